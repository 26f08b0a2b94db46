package node

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// programs are those that were started in the node. The keeper is the first process of its
// namespace, so that it also inherits the processes that others leave, and waits for all.
type programs struct {
	logs  string
	ended chan string // why a program ended that should not have

	mu      sync.Mutex
	running map[int]*program // by process
}

// program is one that runs.
type program struct {
	name  string
	args  []string
	pid   int
	done  chan struct{} // closed when it has ended
	asked bool          // to end
}

func newPrograms(logs string) *programs {
	p := &programs{logs: logs, ended: make(chan string, 1), running: map[int]*program{}}
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	go func() {
		for range children {
			p.reap()
		}
	}()
	return p
}

// do carries out a request.
func (p *programs) do(r request) error {
	if r.Start != "" {
		return p.start(r.Start, r.Args)
	}
	return p.restart(r.Restart)
}

// start starts a program, its output appended to its log. The environment is bare: what a
// proxy variable or a configuration at home would change, it must not.
func (p *programs) start(name string, args []string) error {
	log, err := os.OpenFile(filepath.Join(logsInNode, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/run", "TMPDIR=/run"}
	cmd.Stdout, cmd.Stderr = log, log

	p.mu.Lock() // until it is known, or its end would be nobody's
	defer p.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	pid := cmd.Process.Pid
	p.running[pid] = &program{name: name, args: args, pid: pid, done: make(chan struct{})}
	return cmd.Process.Release()
}

// restartLimit is how long a program may take to end when it is told to.
const restartLimit = 30 * time.Second

// restart ends a program and starts it again.
func (p *programs) restart(name string) error {
	old := p.find(name)
	if old == nil {
		return fmt.Errorf("%s: does not run", name)
	}
	if err := syscall.Kill(old.pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	select {
	case <-old.done:
	case <-time.After(restartLimit):
		return fmt.Errorf("%s: not ended %s after SIGTERM", name, restartLimit)
	}
	return p.start(name, old.args)
}

// find finds a program that is about to be told to end.
func (p *programs) find(name string) *program {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, candidate := range p.running {
		if candidate.name == name {
			candidate.asked = true
			return candidate
		}
	}
	return nil
}

// reap waits for all that have ended.
func (p *programs) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if pid <= 0 {
			return
		}
		p.mu.Lock()
		if ended := p.running[pid]; ended != nil {
			delete(p.running, pid)
			close(ended.done)
			if !ended.asked {
				p.tell(ended.name, status)
			}
		}
		p.mu.Unlock()
	}
}

// tell says that a program has ended, if it is the first.
func (p *programs) tell(name string, status syscall.WaitStatus) {
	why := fmt.Sprintf("%s ended: exit status %d, see %s", name, status.ExitStatus(), filepath.Join(p.logs, name+".log"))
	if status.Signaled() {
		why = fmt.Sprintf("%s ended: signal: %s", name, status.Signal())
	}
	select {
	case p.ended <- why:
	default:
	}
}

// killAll kills every other process in the namespace and returns when all are gone. None can
// escape: those whose parents are gone are the keeper's children.
func killAll() {
	_ = syscall.Kill(-1, syscall.SIGKILL) // fails if there is none
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); errors.Is(err, syscall.ECHILD) {
			return
		}
	}
}
