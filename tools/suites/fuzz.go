package main

import (
	"context"
	"regexp"
	"runtime"
	"strings"
	"sync"
)

// A target is one fuzz test.
type target struct{ path, name string }

// fuzzAll fuzzes the targets of some packages, as many at a time as there are
// processors, each with one worker: so each has as much time as the suite gives
// it, and all together take no longer than they must. The error is the first
// one about running any of them.
func (s suite) fuzzAll(ctx context.Context, root string, rep *report, packages []string) (tally, error) {
	targets, err := s.targets(ctx, root, packages)
	if err != nil {
		return tally{}, err
	}
	var (
		all   tally
		first error
		mu    sync.Mutex
		lanes sync.WaitGroup
	)
	next := make(chan target)
	for range runtime.NumCPU() {
		lanes.Go(func() {
			for f := range next {
				// An input that is made shorter is nicer to read, and takes the time
				// that would find another.
				t, err := s.count(ctx, root, rep, []string{"-run=^$", "-fuzz=^" + f.name + "$",
					"-fuzztime=" + s.fuzz.String(), "-fuzzminimizetime=1x", "-parallel=1", f.path})
				mu.Lock()
				all.add(t)
				if first == nil {
					first = err
				}
				mu.Unlock()
			}
		})
	}
	for _, f := range targets {
		if ctx.Err() == nil {
			next <- f
		}
	}
	close(next)
	lanes.Wait()
	return all, first
}

// listed matches the line that "go test -list" ends a package's tests with.
var listed = regexp.MustCompile(`^(?:ok|\?)\s+(\S+)`)

// targets returns the fuzz targets of some packages.
func (s suite) targets(ctx context.Context, root string, packages []string) ([]target, error) {
	var out strings.Builder
	if err := s.start(ctx, root, &out, append([]string{"go", "test", "-list=^Fuzz"}, packages...)); err != nil {
		return nil, err
	}
	return readTargets(out.String()), nil
}

// readTargets reads what "go test -list" prints: names, then the package that
// has them.
func readTargets(list string) []target {
	var targets []target
	var names []string
	for line := range strings.Lines(list) {
		if end := listed.FindStringSubmatch(line); end != nil {
			for _, name := range names {
				targets = append(targets, target{end[1], name})
			}
			names = nil
			continue
		}
		names = append(names, strings.TrimSpace(line))
	}
	return targets
}
