// Package background keeps what a person starts up after the command that started it has
// ended: in a process of its own, one for a folder, which later commands find, look at and
// end.
package background

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
)

// Running is what is up. Wait returns when the context is done, with nil, or when it has
// ended by itself, with the reason. Stop ends it.
type Running interface {
	Wait(context.Context) error
	Stop() error
}

// Service is something that a person has up. There is one for a folder.
type Service struct {
	// Name is what people call it, with an article.
	Name string
	// Dir is its folder.
	Dir string
	// Build makes what is slow to make and can be kept. It is called before anything is
	// started, in the process that the person waits for.
	Build func(context.Context) error
	// Start starts it and returns when it can be used.
	Start func(context.Context) (Running, error)
	// Use says how to use it once it is up. It ends with a line break.
	Use string
	// Stdout and Stderr are for what people read; progress goes to Stderr.
	Stdout, Stderr io.Writer
}

// ServeVerb is the argument that [Service.Up] starts this program with to be the process
// behind the service: then it has to call [Service.Serve]. People have no use for it.
const ServeVerb = "serve"

// pollInterval is how often a claim is looked at while something is waited for.
const pollInterval = 50 * time.Millisecond

// Up makes sure that the service is up, and says where. What one that crashed has left
// is overwritten.
func (s Service) Up(ctx context.Context) error {
	if _, ready, err := Look(s.Dir); err != nil {
		return err
	} else if ready {
		s.describe("already up")
		return nil
	}
	if err := s.Build(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	begin := time.Now()
	fmt.Fprintf(s.Stderr, "starting %s ... ", s.Name)
	if err := s.spawn(ctx); err != nil {
		fmt.Fprintln(s.Stderr, "stopped")
		return err
	}
	fmt.Fprintf(s.Stderr, "%.1f s\n", time.Since(begin).Seconds())
	s.describe("up")
	return nil
}

// spawn starts the process behind the service, in a session of its own so that it outlives the
// terminal, and waits until it is ready.
func (s Service) spawn(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.Dir, "serve.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(program, ServeVerb)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		process, ready, err := Look(s.Dir)
		if err != nil || ready {
			return err
		}
		if process == 0 && ended == nil {
			return fmt.Errorf("the process that was quicker to start %s has ended", s.Name)
		}
		select {
		case err := <-ended:
			if process, _, _ := Look(s.Dir); process == 0 {
				text, _ := os.ReadFile(log.Name())
				return fmt.Errorf("process behind %s: %w\n%s", s.Name, err, text)
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

// Serve is the process behind the service: it starts it, and stops it when it
// is told to end or when a part of it has ended by itself.
func (s Service) Serve(ctx context.Context) error {
	held, err := take(s.Dir)
	if err != nil {
		return err
	}
	defer held.drop()
	defer held.release()
	running, err := s.Start(ctx)
	if err != nil {
		return err
	}
	if err = held.ready(); err == nil {
		err = running.Wait(ctx)
	}
	return errors.Join(err, running.Stop())
}

// Status says how to use the service, or fails if it is not up.
func (s Service) Status() error {
	process, ready, err := Look(s.Dir)
	switch {
	case err != nil:
		return err
	case process == 0:
		return fmt.Errorf("%s is not up", s.Name)
	case !ready:
		return fmt.Errorf("%s is starting", s.Name)
	}
	s.describe("up")
	return nil
}

// downLimit is how long the process behind the service has to end in good order. It takes less
// than a second.
const downLimit = 20 * time.Second

// Down ends the process behind the service, and with it all others, and returns when they have
// gone. One that does not listen is killed: the kernel and the watchdog then end the
// others.
func (s Service) Down(ctx context.Context) error {
	process, _, err := Look(s.Dir)
	if err != nil {
		return err
	}
	if process == 0 {
		fmt.Fprintln(s.Stdout, s.Name, "is not up")
		return nil
	}
	limit := time.After(downLimit)
	signal := syscall.SIGTERM
	for {
		if err := syscall.Kill(process, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d: %w", process, err)
		}
		gone, err := s.awaitEnd(ctx, process, limit)
		if err != nil {
			return err
		}
		if gone {
			fmt.Fprintln(s.Stdout, s.Name, "is down")
			return nil
		}
		limit, signal = nil, syscall.SIGKILL
	}
}

// awaitEnd waits until process holds the claim no more, and says whether that came to pass
// before the limit.
func (s Service) awaitEnd(ctx context.Context, process int, limit <-chan time.Time) (gone bool, err error) {
	for {
		holder, _, err := Look(s.Dir)
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
func (s Service) describe(how string) {
	fmt.Fprintf(s.Stdout, "%s is %s\n\n%s", s.Name, how, s.Use)
}
