package injector

import (
	"os/exec"
	"runtime"
	"syscall"
)

// endWithParent has the kernel kill the child when the parent is gone.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// run starts the process and waits for its end. Linux takes the end of the thread
// that started a child for that of the parent, so the thread is held until then.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.done <- p.cmd.Wait()
	}
}
