package redirect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// probePort is a port of the pod that nobody listens on: who gets an answer from
// there was redirected.
const probePort = 15002

// ErrNotRedirected says that connections do not arrive where the proxy listens.
var ErrNotRedirected = errors.New("not redirected to the proxy")

// Validate connects to the pod's own addresses, as the proxy does to reach the
// application that asked for them, and listens where the proxy will: if every
// connection arrives there, with its original destination, the rules are set. It
// has to run with the user or group that the rules exempt, as the proxy does, and
// before the proxy listens. It tries until ctx ends, then with ErrNotRedirected.
func Validate(ctx context.Context, o Options) error {
	addresses, err := ownAddresses()
	if err != nil {
		return err
	}
	if len(addresses) == 0 {
		return errors.New("interfaces: no address but loopback ones, wanted the pod's")
	}
	listener, err := net.Listen("tcp", fmt.Sprintf(":%d", o.InboundPort))
	if err != nil {
		return err
	}
	defer listener.Close()
	go echoOrigins(listener)
	for _, a := range addresses {
		if err := redirected(ctx, netip.AddrPortFrom(a, probePort)); err != nil {
			return err
		}
	}
	return nil
}

// ownAddresses are the pod's addresses, at most one of each family.
func ownAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	var have4, have6 bool
	for _, a := range all {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().IsGlobalUnicast() || p.Addr() == Inbound6 {
			continue
		}
		have := &have4
		if p.Addr().Is6() {
			have = &have6
		}
		if !*have {
			own = append(own, p.Addr())
		}
		*have = true
	}
	return own, nil
}

// echoOrigins tells every connection where it was going.
func echoOrigins(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if origin, err := Origin(conn.(*net.TCPConn)); err == nil {
			fmt.Fprintln(conn, origin)
		}
		conn.Close()
	}
}

// redirected connects until the answer is the address that it connected to.
func redirected(ctx context.Context, to netip.AddrPort) error {
	var last error
	for {
		if last = echoed(ctx, to); last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", to, ErrNotRedirected, last)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func echoed(ctx context.Context, to netip.AddrPort) error {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	var answer string
	if _, err := fmt.Fscanln(conn, &answer); err != nil {
		return err
	}
	if answer != to.String() {
		return fmt.Errorf("its original destination came out as %s", answer)
	}
	return nil
}
