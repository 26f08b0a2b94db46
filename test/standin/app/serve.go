package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	health "google.golang.org/grpc/health/grpc_health_v1"
	grpcstatus "google.golang.org/grpc/status"
)

// A server answers on the ports that it is given.
type server struct {
	gate     gate
	log      *slog.Logger
	requests *prometheus.CounterVec
	registry *prometheus.Registry
	// echo listens for TCP, if that is served.
	echo net.Listener
	// ended is the first reason to end but being told to.
	ended chan error
	// stops end the listeners, each once it has answered what it was asked.
	stops []func()
}

func (p program) serve(ctx context.Context, args []string) error {
	f := p.flags("serve")
	f.SortFlags = false
	ports := map[string]*uint16{}
	for _, d := range []struct {
		name string
		port uint16
	}{{"http", 8080}, {"https", 0}, {"tcp", 0}, {"grpc", 0}} {
		ports[d.name] = f.Uint16(d.name, d.port, "port for "+d.name+", 0 for none")
	}
	file := f.String("log", "", "`file` to log requests to as well; its folder is made")
	after := f.Duration("after", 0, "how long to wait before listening")
	if err := parse(f, args, "none", 0); err != nil {
		return err
	}
	out := p.stdout
	if *file != "" {
		log, err := openLog(*file)
		if err != nil {
			return err
		}
		defer log.Close()
		out = io.MultiWriter(out, log)
	}
	if pause(ctx, *after) != nil {
		return nil
	}
	s := newServer(slog.New(slog.NewTextHandler(out, nil)))
	for name, open := range map[string]func(net.Listener) error{"http": s.http, "https": s.https, "tcp": s.tcp, "grpc": s.grpc} {
		if port := *ports[name]; port != 0 {
			if err := s.listen(name, port, open); err != nil {
				return err
			}
		}
	}
	s.log.Info("serving")
	return s.run(ctx)
}

func openLog(file string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

func newServer(log *slog.Logger) *server {
	s := &server{log: log, ended: make(chan error, 1), registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "app_requests_total", Help: "Requests to the application."}, []string{"path"})}
	s.registry.MustRegister(s.requests)
	return s
}

// run returns when the server has ended.
func (s *server) run(ctx context.Context) (err error) {
	select {
	case err = <-s.ended:
	case <-ctx.Done():
	}
	s.gate.release()
	var all sync.WaitGroup
	for _, stop := range s.stops {
		all.Go(stop)
	}
	all.Wait()
	s.log.Info("ended")
	return err
}

// end makes run return with err, unless it has a reason already.
func (s *server) end(err error) {
	select {
	case s.ended <- err:
	default:
	}
}

func (s *server) listen(name string, port uint16, open func(net.Listener) error) error {
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(int(port)))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return open(listener)
}

func (s *server) http(l net.Listener) error {
	server := &http.Server{Handler: s.handler()}
	s.stops = append(s.stops, func() { server.Shutdown(context.Background()) })
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.end(err)
		}
	}()
	return nil
}

func (s *server) https(l net.Listener) error {
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	return s.http(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}}))
}

// tcp answers with what it is sent.
func (s *server) tcp(l net.Listener) error {
	s.echo = l
	s.stops = append(s.stops, func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	return nil
}

// hangs makes a probe hang, "" being all. The port for TCP closes: a connection
// that only the kernel has taken is already a success to a probe.
func (s *server) hangs(probe string) error {
	if err := s.gate.hang(probe); err != nil {
		return err
	}
	if s.echo != nil && (probe == "tcp" || probe == "") {
		return s.echo.Close()
	}
	return nil
}

func (s *server) grpc(l net.Listener) error {
	server := grpc.NewServer()
	health.RegisterHealthServer(server, checked{s: s})
	s.stops = append(s.stops, server.GracefulStop)
	go func() {
		if err := server.Serve(l); err != nil {
			s.end(err)
		}
	}()
	return nil
}

// checked is gRPC's health service. It knows the server as a whole, and "app".
type checked struct {
	health.UnimplementedHealthServer
	s *server
}

// Check says SERVING, unless it is to hang.
func (c checked) Check(ctx context.Context, r *health.HealthCheckRequest) (*health.HealthCheckResponse, error) {
	if err := c.s.gate.pass(ctx, "grpc"); err != nil {
		return nil, err
	}
	if r.Service != "" && r.Service != "app" {
		return nil, grpcstatus.Errorf(codes.NotFound, "service %q: unknown, wanted app", r.Service)
	}
	return &health.HealthCheckResponse{Status: health.HealthCheckResponse_SERVING}, nil
}

// slowest is the longest that a slow answer may take.
const slowest = 10 * time.Minute
