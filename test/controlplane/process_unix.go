//go:build unix && !linux

package controlplane

import "syscall"

// member makes a process part of the group. The watchdog alone keeps it.
func member(group int) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pgid: group}
}
