// Command lint checks every Go module of the repository: gofmt, go vet,
// staticcheck, govulncheck, and the shape of the code (size of files and
// functions, documentation of exported names).
//
//	lint [-root DIR]
//
// The exit status is 1 if a check found something. Govulncheck asks a database
// on the network; where that is out of reach, lint says so and goes on.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// A check looks at one module. findings are what has to change, notes are worth
// reading; err says why the check could not be made.
type check struct {
	name string
	run  func(ctx context.Context, m module) (findings, notes []string, err error)
	// product limits the check to the module that people install.
	product bool
	// compiles is set where the check compiles what it looks at.
	compiles bool
}

// peers has Istio among its dependencies, which takes longer to compile than all
// else: that is for those who measure with it, and "go test" vets it then.
const peers = "test/peers"

var checks = []check{
	{name: "gofmt", run: gofmt},
	{name: "go vet", run: vet, compiles: true},
	{name: "staticcheck", run: staticcheck, compiles: true},
	{name: "shape", run: shape},
	{name: "govulncheck", run: govulncheck, product: true},
}

func main() {
	root := flag.String("root", "..", "the repository's `folder`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := lint(ctx, *root); err != nil {
		fmt.Fprintf(os.Stderr, "lint: %v\n", err)
		os.Exit(1)
	}
}

// lint makes every check on every module and prints a line for each.
func lint(ctx context.Context, root string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	modules, err := modulesOf(ctx, root)
	if err != nil {
		return err
	}
	bad := 0
	for _, c := range checks {
		for _, m := range modules {
			if c.product && m.name != "." || c.compiles && m.name == peers {
				continue
			}
			start := time.Now()
			findings, notes, err := c.run(ctx, m)
			if err != nil {
				findings = append(findings, err.Error())
			}
			word := "ok"
			if len(findings) > 0 {
				word = "FAIL"
			}
			bad += len(findings)
			fmt.Printf("%-12s %-20s %-4s %6.1fs\n", c.name, m.name, word, time.Since(start).Seconds())
			print("", findings)
			print("note: ", notes)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d findings, want none", bad)
	}
	return nil
}

// print prints each of texts, indented under the line of its check.
func print(prefix string, texts []string) {
	for _, t := range texts {
		fmt.Println("    " + prefix + strings.ReplaceAll(t, "\n", "\n    "))
	}
}
