// Package redirect is istio-iptables of the stand-in: nftables rules in a pod's
// network namespace that send its TCP connections to the proxy. It is test
// equipment.
//
// [Parse] reads the arguments that templates pass, [Rules] is the rule set for
// them, [Apply] gives it to the kernel, and [Validate] finds out whether somebody
// did, for pods whose rules are set by a CNI plugin.
package redirect

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Options are what to redirect, and where to.
type Options struct {
	// OutboundPort and InboundPort are where the proxy listens.
	OutboundPort, InboundPort uint16
	// Users and Groups are the ids that the proxy runs with: its connections go
	// where it sends them.
	Users, Groups []uint32
	// IncludeRanges are the destinations of outbound connections to redirect,
	// ExcludeRanges those of them to leave alone.
	IncludeRanges Ranges
	ExcludeRanges []netip.Prefix
	// InboundPorts are the ports of the pod to redirect. ExcludeInbound are left
	// alone where InboundPorts are all.
	InboundPorts   Ports
	ExcludeInbound []uint16
	// IncludeOutbound are ports to redirect whatever the destination, ExcludeOutbound
	// those to leave alone.
	IncludeOutbound, ExcludeOutbound []uint16
	// RerouteInterfaces are interfaces whose inbound connections are outbound ones,
	// of a virtual machine in the pod. ExcludeInterfaces are left alone.
	RerouteInterfaces, ExcludeInterfaces []string
}

// Ranges are all addresses, or those in some prefixes.
type Ranges struct {
	All      bool
	Prefixes []netip.Prefix
}

// Ports are all ports, or some.
type Ports struct {
	All  bool
	List []uint16
}

// loopback says whether the ranges name a loopback address: then connections of
// the application to its own pod are outbound ones too.
func (r Ranges) loopback() bool {
	return slices.ContainsFunc(r.Prefixes, func(p netip.Prefix) bool { return p.Addr().IsLoopback() })
}

func parseRanges(text string) (Ranges, error) {
	if text == "*" {
		return Ranges{All: true}, nil
	}
	prefixes, err := list(text, parsePrefix)
	return Ranges{Prefixes: prefixes}, err
}

func parsePorts(text string) (Ports, error) {
	if text == "*" {
		return Ports{All: true}, nil
	}
	ports, err := list(text, parsePort)
	return Ports{List: ports}, err
}

func parsePrefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q: no range of addresses, wanted one such as 10.0.0.0/8", text)
	}
	return p.Masked(), nil
}

func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q: no port, wanted a number from 1 to 65535", text)
	}
	return uint16(n), nil
}

func parseID(text string) (uint32, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q: no id of a user or group, wanted a number", text)
	}
	return uint32(n), nil
}

// interfaceName is what Linux takes for an interface, as Istio's annotations do:
// 15 bytes and the zero after them.
var interfaceName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.-]{0,14}$`)

func parseInterface(text string) (string, error) {
	if !interfaceName.MatchString(text) {
		return "", fmt.Errorf("%q: no name of an interface, wanted one such as eth0", text)
	}
	return text, nil
}

// list parses what is separated by commas. An empty text is an empty list.
func list[T any](text string, parse func(string) (T, error)) ([]T, error) {
	var items []T
	if text == "" {
		return nil, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		v, err := parse(item)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	return items, nil
}
