package controlplane

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// port is a free port of one address that nobody else is given while it is held.
// A port that is merely found free may be taken before the API server has come to listen on
// it; many tests that run at once do see that.
//
// It is held by a socket that is bound and does not listen. A program of the same user that
// sets SO_REUSEPORT can listen on it all the same, and gets every connection.
type port struct {
	number int
	socket int
}

// holdPort finds a port of an address of this machine and holds it until release.
func holdPort(address net.IP) (*port, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	unix.CloseOnExec(socket)
	number, err := bindFree(socket, address)
	if err != nil {
		unix.Close(socket)
		return nil, fmt.Errorf("free port of %s: %w", address, err)
	}
	return &port{number: number, socket: socket}, nil
}

// bindFree binds the socket to a port that the kernel chooses.
func bindFree(socket int, ip net.IP) (int, error) {
	if err := unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return 0, err
	}
	if err := unix.Bind(socket, &unix.SockaddrInet4{Addr: [4]byte(ip.To4())}); err != nil {
		return 0, err
	}
	address, err := unix.Getsockname(socket)
	if err != nil {
		return 0, err
	}
	v4, ok := address.(*unix.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("address %v: not IPv4", address)
	}
	return v4.Port, nil
}

// release gives the port back.
func (p *port) release() { unix.Close(p.socket) }
