package main

import (
	"context"
	"fmt"
	"time"

	"github.com/vishvananda/netns"

	"outrigger.dev/outrigger/test/standin/redirect"
)

// validateFor is how long validation tries: rules do not come later, but an
// address of the pod may.
const validateFor = 5 * time.Second

// iptables sets the rules of the pod, and prints them for who reads the logs of
// its init container; or it finds out whether they are set.
func (p program) iptables(ctx context.Context, args []string) error {
	c, err := redirect.Parse(args, p.env, p.stdout)
	if err != nil {
		return usageError{err}
	}
	if c.Apply {
		rules := redirect.Rules(c.Options)
		if err := redirect.Apply(netns.None(), rules); err != nil {
			return err
		}
		fmt.Fprint(p.stdout, rules)
	}
	if !c.Validate {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, validateFor)
	defer cancel()
	if err := redirect.Validate(ctx, c.Options); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "connections are redirected")
	return nil
}
