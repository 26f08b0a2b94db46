package main

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
)

// gofmt finds files that "gofmt -w" (make fmt) would change.
func gofmt(ctx context.Context, m module) (findings, notes []string, err error) {
	out, err := output(ctx, m.root, append([]string{"gofmt", "-l"}, m.files...)...)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range strings.Fields(out) {
		findings = append(findings, f+": not as gofmt writes it, run \"make fmt\"")
	}
	return findings, nil, nil
}

// vet is go vet; its report is on standard error.
func vet(ctx context.Context, m module) (findings, notes []string, err error) {
	return reported(output(ctx, m.dir(), "go", "vet", "./..."))
}

// staticcheck is staticcheck with its default checks, at the version that the
// tools module pins.
func staticcheck(ctx context.Context, m module) (findings, notes []string, err error) {
	return reported(output(ctx, m.dir(), tool(m, "staticcheck", "./...")...))
}

// outOfReach are the words with which a look-up on a network ends.
var outOfReach = []string{"dial tcp", "no such host", "connection refused", "timeout", "unexpected status", "Forbidden"}

// govulncheck reports known faults of dependencies that the code really calls.
// Its exit status is 3 if it found some, and 1 if it could not look.
func govulncheck(ctx context.Context, m module) (findings, notes []string, err error) {
	out, err := output(ctx, m.dir(), tool(m, "govulncheck", "./...")...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		for _, words := range outOfReach {
			if strings.Contains(out, words) {
				return nil, []string{"the vulnerability database is out of reach: NOT CHECKED"}, nil
			}
		}
	}
	return reported(out, err)
}

// reported makes a finding of each line that a program wrote before it ended
// with another status than 0.
func reported(out string, err error) (findings, notes []string, _ error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strings.TrimSpace(out) == "" {
		return nil, nil, err
	}
	return strings.Split(strings.TrimSpace(out), "\n"), nil, nil
}

// tool is the command line of a program that the tools module pins.
func tool(m module, args ...string) []string {
	return append([]string{"go", "tool", "-modfile=" + filepath.Join(m.root, "tools", "go.mod")}, args...)
}
