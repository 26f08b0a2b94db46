package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// lockPatience is how long another cluster is waited for: as long as its tests may take.
const lockPatience = 10 * time.Minute

// lockMachine makes this cluster the only one of the machine, for as long as the file is open
// here or in the node's keeper. What is locked is the folder of the node's files, which goes
// in the end: no lock is left lying around.
func lockMachine(ctx context.Context, progress io.Writer) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for begin, told := time.Now(), false; ; {
		file, err := tryLock()
		if err != nil || file != nil {
			return file, err
		}
		if !told && time.Since(begin) > time.Second { // one that was just stopped takes a moment
			fmt.Fprintln(progress, "waiting for another cluster on this machine to go")
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("another cluster is up on this machine (%s is locked), want one at a time: "+
				"wait for its tests to end, or run make cluster-down", stateDir)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tryLock returns nil, without an error, if somebody else has the lock.
func tryLock() (*os.File, error) {
	if err := os.MkdirAll(stateDir, 0o755); err != nil {
		return nil, err
	}
	file, err := os.Open(stateDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // just removed by the one before
	}
	if err != nil {
		return nil, err
	}
	switch err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		file.Close()
		return nil, nil
	case err != nil:
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", stateDir, err)
	}
	if !same(file) {
		file.Close()
		return nil, nil
	}
	return file, nil
}

// same says whether the folder that is locked is still the one at its place.
func same(file *os.File) bool {
	locked, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(stateDir)
	return err == nil && os.SameFile(locked, there)
}
