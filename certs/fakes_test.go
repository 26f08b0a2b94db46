package certs_test

import (
	"context"
	"fmt"
	"sync"

	"outrigger.dev/outrigger/certs"
)

// memory is a Store for as many keepers as like to share it.
type memory struct {
	mu      sync.Mutex
	state   certs.State
	version int
	saved   int
	fault   error
	// loaded, if set, is called after each Load, outside the lock.
	loaded func()
}

func (m *memory) Load(context.Context) (certs.State, error) {
	if m.loaded != nil {
		defer m.loaded()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, m.fault
}

func (m *memory) Save(_ context.Context, s certs.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.Version != m.state.Version {
		return fmt.Errorf("memory: %w", certs.ErrConflict)
	}
	m.put(s.Authority)
	m.saved++
	return nil
}

// put replaces what is kept without asking; the caller holds the lock or is alone.
func (m *memory) put(a *certs.Authority) {
	m.version++
	m.state = certs.State{Authority: a, Version: fmt.Sprint(m.version)}
}

// board is a Publisher that shows what was published to all who watch.
type board struct {
	mu       sync.Mutex
	bundle   certs.Bundle
	written  int
	fault    error
	watchers []chan certs.Bundle
}

func (b *board) Publish(_ context.Context, bundle certs.Bundle) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return b.fault
	}
	if string(b.bundle.PEM()) != string(bundle.PEM()) {
		b.written++
		b.show(bundle)
	}
	return nil
}

// show replaces what is trusted; the caller holds the lock.
func (b *board) show(bundle certs.Bundle) {
	b.bundle = bundle
	for _, w := range b.watchers {
		w <- bundle
	}
}

// wipe takes away what was published, as an eager deployment tool would.
func (b *board) wipe() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.show(nil)
}

func (b *board) trusted() certs.Bundle {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bundle
}

func (b *board) Watch(ctx context.Context, seen func(certs.Bundle)) {
	events := make(chan certs.Bundle, 100)
	b.mu.Lock()
	b.watchers = append(b.watchers, events)
	events <- b.bundle
	b.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case bundle := <-events:
			seen(bundle)
		}
	}
}
