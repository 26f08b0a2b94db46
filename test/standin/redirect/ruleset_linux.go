package redirect

import (
	"fmt"
	"net/netip"
	"strings"
)

// Inbound4 and Inbound6 are the source addresses of the proxy's connections to
// the application. Connections from there are left alone, so that what the proxy
// passes on does not come back to it. 127.0.0.6 can be used anywhere; ::6 has to be
// an address of the loopback interface first, which [Apply] sees to.
var (
	Inbound4 = netip.MustParseAddr("127.0.0.6")
	Inbound6 = netip.MustParseAddr("::6")
)

// tunnelPort is the mesh's tunnel, which the proxy would serve itself.
const tunnelPort = 15008

var (
	localhosts = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}
	inbounds   = []netip.Prefix{netip.PrefixFrom(Inbound4, 32), netip.PrefixFrom(Inbound6, 128)}
)

// A RuleSet is what redirects a pod's connections: rules for those that come in
// by an interface, and for those that a process of the pod opens.
type RuleSet struct{ prerouting, output []rule }

// Rules are the rules for the options, of both families of addresses. In the
// order in which a connection meets them:
//
//	inbound, by an interface           | left alone | to the proxy
//	excluded interface                 | yes        |
//	rerouted interface                 | otherwise  | outbound port, if its range is included
//	tunnel port                        | yes        |
//	all ports are included             | excluded   | inbound port
//	some ports are included            | otherwise  | inbound port
//
//	outbound, by a process             | left alone | to the proxy
//	excluded interface, excluded port  | yes        |
//	from the proxy to the application  | yes        |
//	by the proxy to the pod's address  |            | inbound port
//	by another to the pod's address    | yes, unless a loopback range is included
//	by the proxy, by user or group     | yes        |
//	to localhost                       | yes        |
//	excluded range                     | yes        |
//	included port, included range      |            | outbound port
func Rules(o Options) RuleSet {
	return RuleSet{prerouting: inbound(o), output: outbound(o)}
}

func inbound(o Options) []rule {
	var rules []rule
	add := func(then match, matches ...match) { rules = append(rules, rule{matches, then}) }
	for _, name := range o.ExcludeInterfaces {
		add(leave, in(name))
	}
	for _, name := range o.RerouteInterfaces {
		for _, d := range included(o.IncludeRanges) {
			add(redirectTo(o.OutboundPort), append([]match{in(name), tcp}, d...)...)
		}
		add(leave, in(name))
	}
	add(leave, destinationPort(tunnelPort))
	if !o.InboundPorts.All {
		for _, port := range o.InboundPorts.List {
			add(redirectTo(o.InboundPort), destinationPort(port))
		}
		return rules
	}
	for _, port := range o.ExcludeInbound {
		add(leave, destinationPort(port))
	}
	add(redirectTo(o.InboundPort), tcp)
	return rules
}

func outbound(o Options) []rule {
	var rules []rule
	add := func(then match, matches ...match) { rules = append(rules, rule{matches, then}) }
	for _, name := range o.ExcludeInterfaces {
		add(leave, out(name))
	}
	for _, port := range o.ExcludeOutbound {
		add(leave, destinationPort(port))
	}
	for _, p := range inbounds {
		add(leave, out("lo"), source(p))
	}
	rules = append(rules, byProxy(o)...)
	for _, p := range localhosts {
		add(leave, destination(p))
	}
	for _, p := range o.ExcludeRanges {
		add(leave, destination(p))
	}
	for _, port := range o.IncludeOutbound {
		add(redirectTo(o.OutboundPort), destinationPort(port))
	}
	for _, d := range included(o.IncludeRanges) {
		add(redirectTo(o.OutboundPort), append([]match{tcp}, d...)...)
	}
	return rules
}

// byProxy are the rules that tell the proxy's connections from those of others,
// by user and by group: Istio's runs as root, of the group alone, where it has to
// bind low ports.
func byProxy(o Options) []rule {
	var rules []rule
	owners := func(is, not func(uint32) match, ids []uint32) {
		for _, id := range ids {
			for _, p := range localhosts {
				matches := []match{out("lo"), notDestination(p), notDestinationPort(tunnelPort), is(id)}
				rules = append(rules, rule{matches, redirectTo(o.InboundPort)})
			}
			if !o.IncludeRanges.loopback() {
				rules = append(rules, rule{[]match{out("lo"), not(id)}, leave})
			}
			rules = append(rules, rule{[]match{is(id)}, leave})
		}
	}
	owners(user, notUser, o.Users)
	owners(group, notGroup, o.Groups)
	return rules
}

// included are the matches of each range, for all addresses a single empty one.
func included(r Ranges) [][]match {
	if r.All {
		return [][]match{{}}
	}
	var matches [][]match
	for _, p := range r.Prefixes {
		matches = append(matches, []match{destination(p)})
	}
	return matches
}

// String is the rule set as nft takes and lists it.
func (s RuleSet) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table inet %s {\n", tableName)
	for i, c := range s.chains() {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "\tchain %s {\n\t\ttype nat hook %s priority dstnat; policy accept;\n", c.hook, c.hook)
		for _, r := range c.rules {
			fmt.Fprintf(&b, "\t\t%s\n", r)
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// A chain is named after the hook that it is called from.
type chain struct {
	hook  string
	rules []rule
}

func (s RuleSet) chains() []chain {
	return []chain{{"prerouting", s.prerouting}, {"output", s.output}}
}
