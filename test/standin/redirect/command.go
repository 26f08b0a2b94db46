package redirect

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/pflag"
)

// A Command is what istio-iptables was asked to do.
type Command struct {
	Options
	// Apply is false if the rules are somebody else's to set.
	Apply bool
	// Validate asks to find out whether connections are redirected.
	Validate bool
}

// Parse reads the arguments that follow istio-iptables. They are those that the
// built-in templates pass: an argument that is not among them is an error, for it
// asks for what would not happen. env looks up an environment variable. For
// -h the usage goes to usage, and the error is pflag.ErrHelp.
func Parse(args []string, env func(string) string, usage io.Writer) (Command, error) {
	flags := pflag.NewFlagSet("istio-iptables", pflag.ContinueOnError)
	flags.SetOutput(usage)
	flags.SortFlags = false
	var c Command
	var mode string
	var dns, skip bool
	values := c.values(flags)
	flags.StringVarP(&mode, "istio-inbound-interception-mode", "m", "REDIRECT", "how inbound connections get to the proxy: REDIRECT")
	flags.BoolVar(&dns, "redirect-dns", env("ISTIO_META_DNS_CAPTURE") == "true", "refused: the stand-in answers no DNS")
	flags.BoolVar(&skip, "skip-rule-apply", false, "set no rules")
	flags.BoolVar(&c.Validate, "run-validation", false, "find out whether connections are redirected")
	ignored(flags)
	if err := flags.Parse(args); err != nil {
		return c, err
	}
	c.Apply = !skip
	if flags.NArg() > 0 {
		return c, fmt.Errorf("argument %q: not expected after the flags of istio-iptables", flags.Arg(0))
	}
	if mode != "REDIRECT" {
		return c, fmt.Errorf("mode %q: not what the stand-in does, wanted REDIRECT", mode)
	}
	if dns {
		return c, errors.New("DNS capture: not what the stand-in does, wanted no --redirect-dns and no ISTIO_META_DNS_CAPTURE=true")
	}
	return c, c.set(values)
}

// ignored are flags of templates that change nothing here: the stand-in logs what
// it logs, and its rules are nftables' and replace those from before.
func ignored(flags *pflag.FlagSet) {
	flags.String("log_output_level", "", "taken and ignored")
	for _, name := range []string{"log_as_json", "force-apply", "native-nftables"} {
		flags.Bool(name, false, "taken and ignored")
	}
}

// A value is a flag that has to be parsed further, in the order of the flags.
type value struct {
	flag  string
	text  *string
	parse func(string) error
}

func (c *Command) values(flags *pflag.FlagSet) []value {
	into := &c.Options
	specs := []struct {
		name, short, preset, about string
		parse                      func(string) error
	}{
		{"envoy-port", "p", "15001", "port of the proxy for outbound connections", one(&into.OutboundPort, parsePort)},
		{"inbound-capture-port", "z", "15006", "port of the proxy for inbound connections", one(&into.InboundPort, parsePort)},
		{"proxy-uid", "u", "1337", "ids of users whose connections are left alone", many(&into.Users, parseID)},
		{"proxy-gid", "g", "", "ids of groups whose connections are left alone (the users' ids)", many(&into.Groups, parseID)},
		{"istio-service-cidr", "i", "", "outbound ranges to redirect, * for all", one(&into.IncludeRanges, parseRanges)},
		{"istio-service-exclude-cidr", "x", "", "outbound ranges to leave alone", many(&into.ExcludeRanges, parsePrefix)},
		{"istio-inbound-ports", "b", "", "inbound ports to redirect, * for all", one(&into.InboundPorts, parsePorts)},
		{"istio-local-exclude-ports", "d", "", "inbound ports to leave alone", many(&into.ExcludeInbound, parsePort)},
		{"istio-outbound-ports", "q", "", "outbound ports to redirect whatever the range", many(&into.IncludeOutbound, parsePort)},
		{"istio-local-outbound-ports-exclude", "o", "", "outbound ports to leave alone", many(&into.ExcludeOutbound, parsePort)},
		{"kube-virt-interfaces", "k", "", "interfaces whose inbound connections are outbound ones", many(&into.RerouteInterfaces, parseInterface)},
		{"exclude-interfaces", "c", "", "interfaces to leave alone", many(&into.ExcludeInterfaces, parseInterface)},
	}
	var values []value
	for _, s := range specs {
		name := fmt.Sprintf("-%s/--%s", s.short, s.name)
		values = append(values, value{name, flags.StringP(s.name, s.short, s.preset, s.about), s.parse})
	}
	return values
}

// set parses the values. Where no group is given it is the user's number: Istio's
// proxy has the same for both.
func (c *Command) set(values []value) error {
	for _, v := range values {
		if err := v.parse(*v.text); err != nil {
			return fmt.Errorf("%s: %w", v.flag, err)
		}
	}
	if len(c.Users) == 0 {
		return errors.New("-u/--proxy-uid: no user is named, and the proxy's own connections would be redirected to it")
	}
	if len(c.Groups) == 0 {
		c.Groups = slices.Clone(c.Users)
	}
	return nil
}

func one[T any](into *T, parse func(string) (T, error)) func(string) error {
	return func(text string) (err error) {
		*into, err = parse(text)
		return err
	}
}

func many[T any](into *[]T, parse func(string) (T, error)) func(string) error {
	return func(text string) (err error) {
		*into, err = list(text, parse)
		return err
	}
}
