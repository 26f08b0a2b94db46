// Command bench runs the benchmarks of a package and prints one table of them,
// each beside what it is compared with:
//
//	bench -dir DIR -base NAME [-faster] [-cputime] [-count N] [-time T] [-cpu LIST] [-run REGEXP] [-raw FILE] [-optional]
//
// A benchmark's name says what is compared: of Group/key=value/…/by=NAME, those
// that differ in NAME alone stand on one line.
//
// It runs the package's tests first, which say whether what is compared is
// alike. Then it runs all benchmarks, round after round, and takes the median of
// the rounds: of ratios as of times, so that a machine that is busy in one round
// does not show in any number. FILE keeps what Go printed, for benchstat.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// options are the flags.
type options struct {
	dir, base, time, cpu, run, raw string
	count                          int
	faster, cpuTime, optional      bool
}

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", ".", "the package's `folder`")
	flag.StringVar(&o.base, "base", "", "what the others are compared with, by `name`")
	flag.BoolVar(&o.faster, "faster", false, "say how many times faster than the base, not how many times its time")
	flag.BoolVar(&o.cpuTime, "cputime", false, "compare the time of all cores, for a machine that does other things as well")
	flag.IntVar(&o.count, "count", 5, "how many rounds to take the median of")
	flag.StringVar(&o.time, "time", "100ms", "how long each benchmark runs in a round, or how often (as 100x)")
	flag.StringVar(&o.cpu, "cpu", "1,2", "the numbers of cores to run with")
	flag.StringVar(&o.run, "run", ".", "which benchmarks, as \"go test -bench\" takes it")
	flag.StringVar(&o.raw, "raw", "", "a `file` to keep the raw output in")
	flag.BoolVar(&o.optional, "optional", false, "end well where the modules that are needed cannot be had")
	flag.Parse()
	if o.base == "" || o.count < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(64)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// bench builds, runs, and prints.
func bench(ctx context.Context, o options) error {
	if o.optional {
		if said, err := goList(ctx, o.dir); err != nil {
			fmt.Printf("Not compared: the modules that %s needs cannot be had here.\n%s", o.dir, said)
			return nil
		}
	}
	binary, err := build(ctx, o.dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(binary))
	var said bytes.Buffer
	if err := o.start(ctx, binary, &said, "-test.bench=^$"); err != nil {
		return fmt.Errorf("tests: %w\n%s", err, said.String())
	}
	var raw bytes.Buffer
	var t table
	for round := range o.count {
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, o.count)
		var out bytes.Buffer
		if err := o.round(ctx, binary, &out); err != nil {
			return fmt.Errorf("%w\n%s", err, out.String())
		}
		raw.Write(out.Bytes())
		if err := t.read(out.String()); err != nil {
			return err
		}
	}
	if o.raw != "" {
		if err := os.WriteFile(o.raw, raw.Bytes(), 0o644); err != nil {
			return err
		}
	}
	l := layout{base: o.base, faster: o.faster, unit: wallTime}
	if o.cpuTime {
		l.unit = cpuTime
	}
	return t.print(os.Stdout, l)
}

// round runs every benchmark once. The numbers of cores come one after the
// other for each benchmark.
func (o options) round(ctx context.Context, binary string, out io.Writer) error {
	return o.start(ctx, binary, out,
		"-test.run=^$", "-test.bench="+o.run, "-test.benchtime="+o.time, "-test.cpu="+o.cpu, "-test.benchmem")
}

// start runs the test binary and waits for it.
func (o options) start(ctx context.Context, binary string, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = o.dir
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return cmd.Run()
}

// build builds a package's test binary in a folder of its own.
func build(ctx context.Context, dir string) (string, error) {
	into, err := os.MkdirTemp("", "outrigger-bench-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(into, "bench.test")
	cmd := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		os.RemoveAll(into)
		return "", fmt.Errorf("go test -c: %w\n%s", err, out)
	}
	return binary, nil
}

// goList finds out whether everything that a package needs is there, or can be
// fetched, and what is said where it is not.
func goList(ctx context.Context, dir string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-test", "-f", "{{.ImportPath}}", ".")
	cmd.Dir = dir
	var said strings.Builder
	cmd.Stderr = &said
	err := cmd.Run()
	return said.String(), err
}
