package injector

import (
	"os"
	"os/exec"
	"time"
)

// A process is a program that runs: a server, or what serves beside it.
type process struct {
	cmd  *exec.Cmd
	done chan error
}

// startProcess starts a program that writes to a log, with variables besides our own. It
// ends with its parent, at the latest.
func startProcess(path string, args, env []string, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close() // the child has its own
	p := &process{cmd: exec.Command(path, args...), done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = append(os.Environ(), env...)
	endWithParent(p.cmd)
	started := make(chan error, 1)
	go p.run(started)
	return p, <-started
}

// patience is how long one may take to end when it is asked.
const patience = 30 * time.Second

// end sends a signal and waits.
func (p *process) end(signal os.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil {
		return err
	}
	impatient := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer impatient.Stop()
	return <-p.done
}
