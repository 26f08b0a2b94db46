package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// demo is the control plane that a person has up. There is one for a cache.
type demo struct {
	dir            string
	stdout, stderr io.Writer
}

// serveVerb makes this program the process behind a demo. People have no use for it.
const serveVerb = "serve"

// pollInterval is how often a claim is looked at while something is waited for.
const pollInterval = 50 * time.Millisecond

// up makes sure that a control plane is up, and says where. What one that crashed has left
// is overwritten.
func (d demo) up(ctx context.Context) error {
	if _, ready, err := look(d.dir); err != nil {
		return err
	} else if ready {
		d.describe("the control plane is already up")
		return nil
	}
	if _, err := binaries.Build(ctx, d.stderr); err != nil {
		return err
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	begin := time.Now()
	fmt.Fprint(d.stderr, "starting the control plane ... ")
	if err := d.spawn(ctx); err != nil {
		fmt.Fprintln(d.stderr, "stopped")
		return err
	}
	fmt.Fprintf(d.stderr, "%.1f s\n", time.Since(begin).Seconds())
	d.describe("the control plane is up")
	return nil
}

// spawn starts the process behind the demo, in a session of its own so that it outlives the
// terminal, and waits until it is ready.
func (d demo) spawn(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(d.dir, "serve.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, serveVerb)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		process, ready, err := look(d.dir)
		if err != nil || ready {
			return err
		}
		if process == 0 && ended == nil {
			return errors.New("the process that was quicker to start a control plane has ended")
		}
		select {
		case err := <-ended:
			if process, _, _ := look(d.dir); process == 0 {
				text, _ := os.ReadFile(log.Name())
				return fmt.Errorf("process behind the control plane: %w\n%s", err, text)
			}
			ended = nil // somebody was quicker: theirs is waited for
		case <-ctx.Done():
			if ended != nil {
				_ = cmd.Process.Signal(syscall.SIGTERM)
				<-ended
			}
			return ctx.Err()
		case <-time.After(pollInterval):
		}
	}
}

// serve is the process behind the demo: it starts the control plane, and stops it when it
// is told to end or when a part of it has ended by itself.
func (d demo) serve(ctx context.Context) error {
	held, err := take(d.dir)
	if err != nil {
		return err
	}
	defer held.drop()
	defer held.release()
	c, err := controlplane.Start(ctx, controlplane.Options{Dir: d.dir, Progress: d.stderr})
	if err != nil {
		return err
	}
	if err = held.ready(); err == nil {
		err = c.Wait(ctx)
	}
	return errors.Join(err, c.Stop())
}

// status says where the control plane is, or fails.
func (d demo) status() error {
	process, ready, err := look(d.dir)
	switch {
	case err != nil:
		return err
	case process == 0:
		return errors.New("the control plane is not up")
	case !ready:
		return errors.New("the control plane is starting")
	}
	d.describe("the control plane is up")
	return nil
}

// downLimit is how long the process behind the demo has to end in good order. It takes less
// than a second.
const downLimit = 20 * time.Second

// down ends the process behind the demo, and with it all others, and returns when they have
// gone. One that does not listen is killed: the kernel and the watchdog then end the
// others.
func (d demo) down(ctx context.Context) error {
	process, _, err := look(d.dir)
	if err != nil {
		return err
	}
	if process == 0 {
		fmt.Fprintln(d.stdout, "the control plane is not up")
		return nil
	}
	limit := time.After(downLimit)
	signal := syscall.SIGTERM
	for {
		if err := syscall.Kill(process, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d: %w", process, err)
		}
		gone, err := d.awaitEnd(ctx, process, limit)
		if err != nil {
			return err
		}
		if gone {
			fmt.Fprintln(d.stdout, "the control plane is down")
			return nil
		}
		limit, signal = nil, syscall.SIGKILL
	}
}

// awaitEnd waits until process holds the claim no more, and says whether that came to pass
// before the limit.
func (d demo) awaitEnd(ctx context.Context, process int, limit <-chan time.Time) (gone bool, err error) {
	for {
		holder, _, err := look(d.dir)
		if err != nil || holder != process {
			return true, err
		}
		select {
		case <-limit:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(pollInterval):
		}
	}
}

// describe says how things stand, and how to use what is up.
func (d demo) describe(how string) {
	fmt.Fprintf(d.stdout, "%s\n\n    export KUBECONFIG=%s\n\nlogs: %s\n",
		how, filepath.Join(d.dir, "kubeconfig"), filepath.Join(d.dir, "logs"))
}
