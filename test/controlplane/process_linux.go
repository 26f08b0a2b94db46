package controlplane

import "syscall"

// member makes a process part of the group, and the kernel its keeper: it dies with the
// thread that starts it.
func member(group int) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pgid: group, Pdeathsig: syscall.SIGKILL}
}
