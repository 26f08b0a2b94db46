package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
)

// maxProbeBody is how much of an application's answer goes to the kubelet, which
// itself reads no more.
const maxProbeBody = 10 << 10

// A Prober is a probe, or a hook, of the application: what the kubelet would have
// done, which asks the agent instead. One of its actions is set.
type Prober struct {
	HTTPGet *struct {
		Path   string
		Port   uint16
		Scheme string
	}
	TCPSocket *struct{ Port uint16 }
	GRPC      *struct {
		Port    uint16
		Service string
	}
	TimeoutSeconds int
}

func (p Prober) check() error {
	actions := 0
	for _, set := range []bool{p.HTTPGet != nil, p.TCPSocket != nil, p.GRPC != nil} {
		if set {
			actions++
		}
	}
	if actions != 1 {
		return fmt.Errorf("%d actions, wanted one of httpGet, tcpSocket, grpc", actions)
	}
	if p.port() == 0 {
		return errors.New("no port")
	}
	return nil
}

func (p Prober) port() uint16 {
	switch {
	case p.HTTPGet != nil:
		return p.HTTPGet.Port
	case p.TCPSocket != nil:
		return p.TCPSocket.Port
	}
	return p.GRPC.Port
}

// timeout is a second where none is set, as in Kubernetes. Hooks have none.
func (p Prober) timeout(path string) time.Duration {
	switch {
	case p.TimeoutSeconds > 0:
		return time.Duration(p.TimeoutSeconds) * time.Second
	case strings.HasPrefix(path, "/app-lifecycle/"):
		return 0
	}
	return time.Second
}

// A dialer opens a connection to the application that is not redirected.
type dialer func(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error)

// probing answers the kubelet with what the application answers.
type probing struct {
	address string
	probers map[string]Prober
	dial    dialer
	log     *slog.Logger
}

func (s probing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	prober, known := s.probers[r.URL.Path]
	if !known {
		http.Error(w, fmt.Sprintf("%q: no probe of the application, wanted one of ISTIO_KUBE_APP_PROBERS", r.URL.Path), http.StatusBadRequest)
		return
	}
	ctx := r.Context()
	if t := prober.timeout(r.URL.Path); t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	to := net.JoinHostPort(s.address, strconv.Itoa(int(prober.port())))
	var err error
	switch {
	case prober.HTTPGet != nil:
		err = s.http(ctx, w, r, prober, to)
	case prober.TCPSocket != nil:
		err = s.tcp(ctx, to)
	default:
		err = s.grpc(ctx, r, prober, to)
	}
	if err != nil {
		s.log.Info("probe failed", "path", r.URL.Path, "err", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// http passes the request on, with its headers, among which are those that the
// pod's author gave to the probe, and passes the answer back. A redirect is a
// success, as it is to the kubelet unless it follows it.
func (s probing) http(ctx context.Context, w http.ResponseWriter, r *http.Request, p Prober, to string) error {
	scheme := "http"
	if strings.EqualFold(p.HTTPGet.Scheme, "HTTPS") {
		scheme = "https"
	}
	path := "/" + strings.TrimPrefix(p.HTTPGet.Path, "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+to+path, nil)
	if err != nil {
		return err
	}
	req.Header = maps.Clone(r.Header)
	req.Host = hostOf(r, to)
	transport := &http.Transport{
		DisableKeepAlives: true, DisableCompression: true, DialContext: s.dialContext,
		// The kubelet does not verify either.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, io.LimitReader(resp.Body, maxProbeBody))
	return nil
}

// hostOf is the Host that the request had, with the application's port in the
// place of the agent's, where one is named.
func hostOf(r *http.Request, to string) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		return r.Host
	}
	_, port, _ := net.SplitHostPort(to)
	return net.JoinHostPort(host, port)
}

func (s probing) tcp(ctx context.Context, to string) error {
	conn, err := s.dialContext(ctx, "tcp", to)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (s probing) grpc(ctx context.Context, r *http.Request, p Prober, to string) error {
	conn, err := grpc.NewClient("passthrough:///"+to,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUserAgent(r.UserAgent()),
		grpc.WithContextDialer(func(ctx context.Context, to string) (net.Conn, error) {
			return s.dialContext(ctx, "tcp", to)
		}))
	if err != nil {
		return err
	}
	defer conn.Close()
	resp, err := health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{Service: p.GRPC.Service})
	if err != nil {
		return err
	}
	if resp.GetStatus() != health.HealthCheckResponse_SERVING {
		return fmt.Errorf("service %q: %s, wanted SERVING", p.GRPC.Service, resp.GetStatus())
	}
	return nil
}

func (s probing) dialContext(ctx context.Context, _, to string) (net.Conn, error) {
	address, err := netip.ParseAddrPort(to)
	if err != nil {
		return nil, err
	}
	conn, err := s.dial(ctx, address)
	if err != nil {
		return nil, err // Not conn, which is no nil interface.
	}
	return conn, nil
}
