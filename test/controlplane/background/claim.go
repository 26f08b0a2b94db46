package background

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// claim is a file that the process behind a service holds locked for as long as it lives. The
// kernel knows who holds it and drops the lock however that process ends, so neither a file
// that was left behind nor a process number that was given again can mislead. The file has
// the holder's number once the service can be used.
type claim struct{ file *os.File }

// errClaimed is what whoever comes second gets.
var errClaimed = errors.New("another process has it up")

// claimPath is where the claim on dir is.
func claimPath(dir string) string { return filepath.Join(dir, "claim") }

// take claims dir until drop, or until this process ends.
func take(dir string) (*claim, error) {
	file, err := os.OpenFile(claimPath(dir), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &lock); err != nil {
		file.Close()
		if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) {
			return nil, errClaimed
		}
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	return &claim{file}, file.Truncate(0)
}

// release gives the claim up. Whoever took it has to call this in the end: a file
// that nothing refers to any more is closed by the garbage collector, and its lock with it.
func (c *claim) release() { _ = c.file.Close() }

// ready tells the others that the service can be used.
func (c *claim) ready() error {
	_, err := c.file.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return err
}

// drop gives the claim up. Without a call to come, the file would be closed, and the lock
// gone, as soon as the garbage collector finds that nobody uses it.
func (c *claim) drop() { c.file.Close() }

// Look finds the process that holds the claim on a service's folder, and whether the service
// can be used. The process is 0 when nobody does.
func Look(dir string) (process int, ready bool, err error) {
	file, err := os.Open(claimPath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	defer file.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_GETLK, &lock); err != nil {
		return 0, false, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	if lock.Type == syscall.F_UNLCK {
		return 0, false, nil
	}
	text, err := io.ReadAll(file)
	return int(lock.Pid), string(text) == strconv.Itoa(int(lock.Pid)), err
}
