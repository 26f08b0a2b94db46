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

// newest is what is kept now.
func (m *memory) newest() certs.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
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
	m.version++
	m.state = s
	m.state.Version = fmt.Sprint(m.version)
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
	version  int
	written  int
	fault    error
	watchers []chan certs.Trust
}

func (b *board) Publish(_ context.Context, decide func(certs.Trust) (certs.Bundle, error)) error {
	for {
		b.mu.Lock()
		seen, version := b.trust(), b.version
		b.mu.Unlock()
		bundle, err := decide(seen)
		if err != nil {
			return err
		}
		if done, err := b.write(bundle, version); done {
			return err
		}
	}
}

// write replaces the bundle unless it is another than that of the version.
func (b *board) write(bundle certs.Bundle, version int) (done bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.fault != nil:
		return true, b.fault
	case b.version != version:
		return false, nil
	case string(b.bundle.PEM()) != string(bundle.PEM()):
		b.written++
		b.show(bundle)
	}
	return true, nil
}

// trust is what callers trust; the caller holds the lock.
func (b *board) trust() certs.Trust { return certs.Trust{{Name: "board", Bundle: b.bundle}} }

// show replaces what is trusted; the caller holds the lock.
func (b *board) show(bundle certs.Bundle) {
	b.bundle = bundle
	b.version++
	for _, w := range b.watchers {
		w <- b.trust()
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

func (b *board) Watch(ctx context.Context, seen func(certs.Trust)) {
	events := make(chan certs.Trust, 1000)
	b.mu.Lock()
	b.watchers = append(b.watchers, events)
	events <- b.trust()
	b.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case trust := <-events:
			seen(trust)
		}
	}
}
