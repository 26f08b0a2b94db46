package redirect

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Origin is where a connection was going before it was redirected to this process.
// It is where it came to if it was not.
func Origin(conn *net.TCPConn) (netip.AddrPort, error) {
	local := conn.LocalAddr().(*net.TCPAddr).AddrPort()
	raw, err := conn.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	var origin netip.AddrPort
	var failed error
	err = raw.Control(func(fd uintptr) {
		if local.Addr().Unmap().Is4() {
			origin, failed = origin4(int(fd))
		} else {
			origin, failed = origin6(int(fd))
		}
	})
	if err != nil {
		return origin, err
	}
	if failed == unix.ENOENT || failed == unix.ENOPROTOOPT {
		// Nothing tracks the connections of a namespace without rules.
		return netip.AddrPortFrom(local.Addr().Unmap(), local.Port()), nil
	}
	if failed != nil {
		return origin, fmt.Errorf("original destination: %w", failed)
	}
	return origin, nil
}

// origin4 asks for a struct sockaddr_in. The answer of this call has room for one:
// a multicast request starts with an address of sixteen bytes' room.
func origin4(fd int) (netip.AddrPort, error) {
	m, err := unix.GetsockoptIPv6Mreq(fd, unix.SOL_IP, unix.SO_ORIGINAL_DST)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port := binary.BigEndian.Uint16(m.Multiaddr[2:4])
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(m.Multiaddr[4:8])), port), nil
}

// origin6 asks for a struct sockaddr_in6, which is how the answer of this call
// starts. IP6T_SO_ORIGINAL_DST has the number of SO_ORIGINAL_DST.
func origin6(fd int) (netip.AddrPort, error) {
	info, err := unix.GetsockoptIPv6MTUInfo(fd, unix.SOL_IPV6, unix.SO_ORIGINAL_DST)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var port [2]byte
	binary.NativeEndian.PutUint16(port[:], info.Addr.Port)
	return netip.AddrPortFrom(netip.AddrFrom16(info.Addr.Addr), binary.BigEndian.Uint16(port[:])), nil
}
