package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// probes are what can be made to hang, by name.
var probes = []string{"livez", "readyz", "startupz", "grpc", "tcp"}

// A gate holds back probes that are to hang.
type gate struct {
	mu sync.Mutex
	// shut has a channel for each probe that hangs, closed when it no longer does.
	shut map[string]chan struct{}
}

// hang shuts the gate for a probe, "" being all of them.
func (g *gate) hang(name string) error {
	names := []string{name}
	if name == "" {
		names = probes
	}
	if !slices.Contains(probes, names[0]) {
		return fmt.Errorf("probe %q: unknown, wanted one of %s", name, strings.Join(probes, ", "))
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, n := range names {
		if g.shut[n] == nil {
			if g.shut == nil {
				g.shut = map[string]chan struct{}{}
			}
			g.shut[n] = make(chan struct{})
		}
	}
	return nil
}

// release opens the gate for all.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range g.shut {
		close(c)
	}
	g.shut = nil
}

// pass returns when the probe does not hang, or with the error of ctx.
func (g *gate) pass(ctx context.Context, name string) error {
	g.mu.Lock()
	shut := g.shut[name]
	g.mu.Unlock()
	if shut == nil {
		return nil
	}
	select {
	case <-shut:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
