package passthrough_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"outrigger.dev/outrigger/test/standin/passthrough"
)

// server accepts connections and hands them to serve.
func server(t *testing.T, serve func(*net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer conn.Close(); serve(conn.(*net.TCPConn)) }()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// proxy passes everything on to one address, as outbound.
func proxy(t *testing.T, to netip.AddrPort) (*passthrough.Proxy, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	p, err := passthrough.Listen(func(*net.TCPConn) (netip.AddrPort, error) { return to, nil },
		passthrough.NewMeter(registry), slog.New(slog.DiscardHandler),
		passthrough.Direction{Name: "outbound", Dial: passthrough.Outbound})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p, registry
}

func connect(t *testing.T, p *passthrough.Proxy) *net.TCPConn {
	t.Helper()
	port := p.Addr("outbound").(*net.TCPAddr).Port
	conn, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestAnAnswerFollowsTheEndOfTheQuestion(t *testing.T) {
	to := server(t, func(c *net.TCPConn) {
		question, _ := io.ReadAll(c) // Until the client has closed its half.
		io.WriteString(c, "you said "+string(question))
	})
	p, registry := proxy(t, to)
	conn := connect(t, p)
	io.WriteString(conn, "hello")
	conn.CloseWrite()
	answer, err := io.ReadAll(conn)
	if err != nil || string(answer) != "you said hello" {
		t.Fatalf("%q, %v", answer, err)
	}
	if err := p.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`
# HELP standin_bytes_total Bytes to (sent) and from (received) the destination.
# TYPE standin_bytes_total counter
standin_bytes_total{direction="outbound",port="PORT",way="received"} 14
standin_bytes_total{direction="outbound",port="PORT",way="sent"} 5
# HELP standin_connection_failures_total Connections that could not be passed on.
# TYPE standin_connection_failures_total counter
standin_connection_failures_total{direction="outbound",port="PORT"} 0
# HELP standin_connections_open Connections that are open.
# TYPE standin_connections_open gauge
standin_connections_open{direction="inbound"} 0
standin_connections_open{direction="outbound"} 0
# HELP standin_connections_total Connections that were redirected to the proxy.
# TYPE standin_connections_total counter
standin_connections_total{direction="outbound",port="PORT"} 1
`, "PORT", netPort(to))
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func netPort(a netip.AddrPort) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}

func TestADestinationThatIsNotThereBreaksTheConnection(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to := gone.Addr().(*net.TCPAddr).AddrPort()
	gone.Close()
	p, registry := proxy(t, to)
	wantReset(t, p)
	if err := p.Idle(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`
# HELP standin_connection_failures_total Connections that could not be passed on.
# TYPE standin_connection_failures_total counter
standin_connection_failures_total{direction="outbound",port="PORT"} 1
`, "PORT", netPort(to))
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "standin_connection_failures_total"); err != nil {
		t.Error(err)
	}
}

// wantReset connects, and wants the connection to be broken off: it may be before
// it is seen to be made.
func wantReset(t *testing.T, p *passthrough.Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp4", p.Addr("outbound").String())
	if err != nil {
		return
	}
	defer conn.Close()
	if answer, err := io.ReadAll(conn); err == nil {
		t.Errorf("%q and no error, want a reset", answer)
	}
}

func TestACircleIsRefused(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	self := func(c *net.TCPConn) (netip.AddrPort, error) { return c.LocalAddr().(*net.TCPAddr).AddrPort(), nil }
	p, err := passthrough.Listen(self, passthrough.NewMeter(registry), slog.New(slog.DiscardHandler),
		passthrough.Direction{Name: "outbound", Dial: passthrough.Outbound})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	wantReset(t, p)
	if n, err := testutil.GatherAndCount(registry, "standin_connections_total"); n != 0 || err != nil {
		t.Errorf("%d counted, %v", n, err)
	}
}

func TestIdleWaitsForTheLastConnection(t *testing.T) {
	met := make(chan struct{})
	to := server(t, func(c *net.TCPConn) { close(met); io.ReadAll(c) })
	p, _ := proxy(t, to)
	conn := connect(t, p)
	<-met
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Idle(ended); err != context.Canceled {
		t.Errorf("with a connection open: %v, want %v", err, context.Canceled)
	}
	conn.Close()
	if err := p.Idle(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCloseBreaksWhatIsOpenAndCountsIt(t *testing.T) {
	met := make(chan struct{})
	to := server(t, func(c *net.TCPConn) { close(met); io.ReadAll(c) })
	p, _ := proxy(t, to)
	conn := connect(t, p)
	<-met
	if d := cmp.Diff(1, p.Close()); d != "" {
		t.Errorf("broken (-want +got):\n%s", d)
	}
	if _, err := io.ReadAll(conn); err == nil {
		t.Error("no error, want a reset")
	}
	if err := p.Idle(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFromFallsBackWhereAnAddressIsNotThePods(t *testing.T) {
	from := make(chan string, 1)
	to := server(t, func(c *net.TCPConn) { from <- c.RemoteAddr().(*net.TCPAddr).IP.String() })
	for four, want := range map[string]string{"127.0.0.1": "127.0.0.1", "192.0.2.1": "127.0.0.1"} {
		dial := passthrough.From(netip.MustParseAddr(four), netip.MustParseAddr("::6"))
		conn, err := dial(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		if got := <-from; got != want {
			t.Errorf("from %s: the server saw %s, want %s", four, got, want)
		}
		conn.Close()
	}
}
