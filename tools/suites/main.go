// Command suites runs the test suites of the repository, one after the other,
// and says how each went:
//
//	suites [-root DIR] [-v] [SUITE...]
//
// Without names it runs all but those that have to be named. It ends with a table of counts and wall times, what
// tests say of themselves, every skipped test with its reason, and the line
// "N passed, M failed, K skipped". The exit status is 1 if anything failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	root := flag.String("root", "..", "the repository's `folder`")
	verbose := flag.Bool("v", false, "list packages without tests as well")
	flag.Usage = usage
	flag.Parse()
	chosen, err := choose(flag.Args())
	if err != nil {
		fmt.Fprintf(os.Stderr, "suites: %v\n", err)
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	rep := &report{out: os.Stdout, verbose: *verbose}
	for _, s := range chosen {
		t, err := s.run(ctx, *root, rep)
		rep.end(s, t, err)
		if ctx.Err() != nil {
			break
		}
	}
	if !rep.finish() {
		os.Exit(1)
	}
}

// choose returns the suites with these names, in the order in which they run;
// without names all of them but those that have to be named.
func choose(names []string) ([]suite, error) {
	var chosen []suite
	for _, s := range suites {
		if slices.Contains(names, s.name) || len(names) == 0 && !s.named {
			chosen = append(chosen, s)
		}
	}
	for _, n := range names {
		if !slices.ContainsFunc(chosen, func(s suite) bool { return s.name == n }) {
			return nil, fmt.Errorf("suite %q: not one of those that \"suites -h\" lists", n)
		}
	}
	return chosen, nil
}

func usage() {
	fmt.Fprintf(os.Stderr, "usage: suites [-root DIR] [-v] [SUITE...]\n\n")
	for _, s := range suites {
		fmt.Fprintf(os.Stderr, "  %-13s %s\n", s.name, s.about)
	}
	fmt.Fprintln(os.Stderr)
	flag.PrintDefaults()
}
