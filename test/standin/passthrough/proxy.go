// Package passthrough is the proxy of the stand-in: it passes redirected
// connections on to where they were going, and counts them. It is test equipment,
// and understands no protocol above TCP.
package passthrough

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// dialTimeout is how long an onward connection may take: Envoy's default.
const dialTimeout = 10 * time.Second

// An Origin tells where a connection was going before it was redirected.
type Origin func(*net.TCPConn) (netip.AddrPort, error)

// A Direction is one of a pod's two, and how its connections are passed on.
type Direction struct {
	// Name is "inbound" or "outbound".
	Name string
	// Port is where redirected connections arrive; 0 is any.
	Port uint16
	// Dial opens the onward connection.
	Dial func(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error)
}

// A Proxy passes on the connections of some directions until it is closed.
type Proxy struct {
	origin Origin
	meter  *Meter
	log    *slog.Logger

	listeners map[string][]*net.TCPListener
	accepting sync.WaitGroup

	mu     sync.Mutex
	open   map[*net.TCPConn]bool
	closed bool
	// idle is closed while no connection is open.
	idle chan struct{}
}

// Listen opens the ports, for IPv4 and where the pod has it for IPv6, and passes
// on what arrives there.
func Listen(origin Origin, meter *Meter, log *slog.Logger, directions ...Direction) (*Proxy, error) {
	p := &Proxy{origin: origin, meter: meter, log: log,
		listeners: map[string][]*net.TCPListener{}, open: map[*net.TCPConn]bool{}, idle: make(chan struct{})}
	close(p.idle)
	for _, d := range directions {
		listeners, err := listen(d.Port)
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		p.listeners[d.Name] = listeners
		for _, l := range listeners {
			p.accepting.Go(func() { p.accept(l, d) })
		}
	}
	return p, nil
}

// listen opens a port for each family by itself: the original destination is
// asked for in the way of the connection's.
func listen(port uint16) ([]*net.TCPListener, error) {
	four, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: int(port)})
	if err != nil {
		return nil, err
	}
	six, err := net.ListenTCP("tcp6", &net.TCPAddr{IP: net.IPv6unspecified, Port: four.Addr().(*net.TCPAddr).Port})
	if err != nil {
		if strings.Contains(err.Error(), "address family not supported") || strings.Contains(err.Error(), "cannot assign requested address") {
			return []*net.TCPListener{four}, nil
		}
		four.Close()
		return nil, err
	}
	return []*net.TCPListener{four, six}, nil
}

// Addr is where a direction listens, of IPv4.
func (p *Proxy) Addr(direction string) net.Addr { return p.listeners[direction][0].Addr() }

// Idle returns when no connection is open, or with the error of ctx.
func (p *Proxy) Idle(ctx context.Context) error {
	for {
		p.mu.Lock()
		idle, none := p.idle, len(p.open) == 0
		p.mu.Unlock()
		if none {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close stops listening and breaks the connections that are still open, whose
// number it returns.
func (p *Proxy) Close() int {
	for _, listeners := range p.listeners {
		for _, l := range listeners {
			l.Close()
		}
	}
	p.accepting.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for conn := range p.open {
		conn.SetLinger(0)
		conn.Close()
	}
	return len(p.open)
}

func (p *Proxy) accept(l *net.TCPListener, d Direction) {
	for {
		conn, err := l.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.log.Warn("connection not accepted", "direction", d.Name, "err", err)
			time.Sleep(10 * time.Millisecond) // Out of descriptors, most likely: let some go.
			continue
		}
		p.add(conn)
		go func() {
			defer p.remove(conn)
			p.pass(conn, d)
		}()
	}
}

func (p *Proxy) add(conn *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) == 0 {
		p.idle = make(chan struct{})
	}
	p.open[conn] = true
}

func (p *Proxy) remove(conn *net.TCPConn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
	if len(p.open) == 0 {
		close(p.idle)
	}
}

// pass passes one connection on, until both its ends are done.
func (p *Proxy) pass(client *net.TCPConn, d Direction) {
	to, err := p.origin(client)
	if err == nil && to == local(client) {
		err = errors.New("it was not redirected, and would come back here")
	}
	if err != nil {
		p.log.Warn("connection refused", "direction", d.Name, "from", client.RemoteAddr().String(), "err", err)
		client.SetLinger(0)
		return
	}
	count := p.meter.connection(d.Name, to.Port())
	defer count.end()
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	server, err := d.Dial(ctx, to)
	cancel()
	if err != nil {
		count.fail()
		p.log.Info("connection not passed on", "direction", d.Name, "to", to.String(), "err", err)
		client.SetLinger(0)
		return
	}
	defer server.Close()
	join(client, server, count)
}

func local(conn *net.TCPConn) netip.AddrPort {
	a := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// join copies both ways. An end that has no more to say is told to the other, who
// may go on; an end that breaks off breaks the other.
func join(client, server *net.TCPConn, count counted) {
	var both sync.WaitGroup
	both.Go(func() { flow(server, client, count.sent) })
	both.Go(func() { flow(client, server, count.received) })
	both.Wait()
}

func flow(to, from *net.TCPConn, bytes adder) {
	_, err := io.Copy(counting{to, bytes}, from)
	if err != nil {
		to.SetLinger(0)
		to.Close()
		from.Close()
		return
	}
	to.CloseWrite()
}

// counting counts as it writes, so that the counter of a long connection moves.
type counting struct {
	io.Writer
	bytes adder
}

func (c counting) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.bytes.Add(float64(n))
	return n, err
}
