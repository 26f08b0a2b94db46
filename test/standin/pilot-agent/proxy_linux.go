package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"outrigger.dev/outrigger/test/standin/agent"
)

// proxy runs the agent until it is told to end.
func (p program) proxy(ctx context.Context, args []string) error {
	role, err := p.role(args)
	if err != nil {
		return err
	}
	config, err := agent.Load(role, p.env, os.DirFS("/"))
	if err != nil {
		return err
	}
	a, err := agent.Start(config, slog.New(slog.NewTextHandler(p.stderr, nil)))
	if err != nil {
		return err
	}
	return a.Run(ctx)
}

// role reads the arguments that follow proxy. What they say is for a mesh, but the
// role; that they are those of the templates is checked all the same.
func (p program) role(args []string) (string, error) {
	f := p.flags("proxy")
	for _, name := range []string{"domain", "proxyLogLevel", "proxyComponentLogLevel", "log_output_level", "outlierLogPath"} {
		f.String(name, "", "taken and ignored")
	}
	f.Uint16("stsPort", 0, "taken and ignored")
	f.Bool("log_as_json", false, "taken and ignored")
	if err := parse(f, args, "a role, sidecar or router", 1); err != nil {
		return "", err
	}
	role := f.Arg(0)
	if role != "sidecar" && role != "router" {
		return "", usageError{fmt.Errorf("proxy: role %q: unknown, wanted sidecar or router", role)}
	}
	return role, nil
}
