//go:build !linux

package injector

import "os/exec"

// endWithParent can do nothing here: a test that is killed leaves its servers.
func endWithParent(*exec.Cmd) {}

// run starts the process and waits for its end.
func (p *process) run(started chan<- error) {
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.done <- p.cmd.Wait()
	}
}
