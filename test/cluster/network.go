package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"outrigger.dev/outrigger/test/controlplane"
)

// The node is at the other end of a cable. Behind it are the pods and the Services; on this
// side is the machine, and nothing beyond it.
const (
	link        = "outrigger0"
	hostAddress = "10.245.0.1"
	nodeAddress = "10.245.0.2"
	linkRange   = "10.245.0.0/30"
)

// connect makes the link. It goes when the node's network does, and the routes go with it.
func (c *Cluster) connect(ctx context.Context) error {
	if err := awaitNoLink(); err != nil { // of a node that has just ended
		return err
	}
	pid := strconv.Itoa(c.node.PID())
	c.network = true
	for _, line := range []string{
		"ip link add name " + link + " type veth peer name eth0 netns " + pid,
		"ip address add " + hostAddress + "/30 dev " + link,
		"ip link set dev " + link + " up",
		"in node: ip address add " + nodeAddress + "/30 dev eth0",
		"in node: ip link set dev lo up",
		"in node: ip link set dev eth0 up",
		"ip route add " + controlplane.PodRange + " via " + nodeAddress + " dev " + link,
		"ip route add " + controlplane.ServiceRange + " via " + nodeAddress + " dev " + link,
	} {
		words, inside := strings.CutPrefix(line, "in node: ")
		args := strings.Fields(words)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		if inside {
			cmd = c.node.Command(ctx, args...)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// awaitNoLink returns when there is no link any more. The kernel takes a moment for a network
// whose last process has ended.
func awaitNoLink() error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := net.InterfaceByName(link); err != nil {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("network interface " + link + ": still there, want it gone with the node")
		}
	}
}

// taken finds what already has addresses that the cluster needs.
func taken() (string, error) {
	routes, err := exec.Command("ip", "-4", "-oneline", "route", "show").Output()
	if err != nil {
		return "", fmt.Errorf("ip route: %w", err)
	}
	for line := range strings.Lines(string(routes)) {
		destination, _, _ := strings.Cut(line, " ")
		if strings.Contains(line, "dev "+link) || destination == "default" {
			continue
		}
		if !strings.Contains(destination, "/") {
			destination += "/32"
		}
		_, route, err := net.ParseCIDR(destination)
		if err != nil {
			continue
		}
		for _, need := range []string{controlplane.PodRange, controlplane.ServiceRange, linkRange} {
			_, wanted, _ := net.ParseCIDR(need)
			if wanted.Contains(route.IP) || route.Contains(wanted.IP) {
				return fmt.Sprintf("the route %q overlaps %s", strings.TrimSpace(line), need), nil
			}
		}
	}
	return "", nil
}
