package injector

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
)

// The ports of servers are below those that Linux gives to connections, from 32768 on, and
// to node ports, from 30000 on: one that was merely found free could be a connection's by
// the time that the server listens there.
//
// Packages that are tested at the same time are processes of their own, and most of them
// have a range of their own, too.
const ranges, ports = 10, 1000

var firstPort = 20000 + os.Getpid()%ranges*ports

// handedOut are the ports of this process that somebody has, or had.
var handedOut sync.Map

// listenFree listens at a port of 127.0.0.1 that nobody else has, nor gets from here later.
func listenFree() (net.Listener, error) {
	last := errors.New("all were handed out")
	for range 100 {
		port := firstPort + rand.IntN(ports)
		if _, taken := handedOut.LoadOrStore(port, true); taken {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return listener, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no free port from %d to %d: %w", firstPort, firstPort+ports-1, last)
}
