package passthrough

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// Outbound dials for a process of the pod. Nothing tells the connection from
// others but the proxy's user.
func Outbound(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	return dial(ctx, net.Dialer{}, to)
}

// From returns a dial function for connections to the application: they come from
// these addresses, by which the rules know that they are not to be redirected.
// Where an address is none of the pod's, nobody set rules for its family.
func From(four, six netip.Addr) func(context.Context, netip.AddrPort) (*net.TCPConn, error) {
	return func(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
		from := four
		if to.Addr().Is6() {
			from = six
		}
		conn, err := dial(ctx, net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}, to)
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			return Outbound(ctx, to)
		}
		return conn, err
	}
}

func dial(ctx context.Context, d net.Dialer, to netip.AddrPort) (*net.TCPConn, error) {
	conn, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}
