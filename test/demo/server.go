package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A server is a program that goes on after the demo has ended. It inherits a
// lock on a file with its process id in it: as long as somebody holds the lock it
// runs, and the id is its own and not that of a stranger who came after.
type server struct {
	// file holds the lock and the process id; log is what the program writes.
	file, log string
}

// start starts the program in the background.
func (s server) start(path string, args, env []string) error {
	lock, err := s.acquire()
	if err != nil {
		return err
	}
	defer lock.Close()
	log, err := os.Create(s.log)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err = lock.WriteAt([]byte(strconv.Itoa(cmd.Process.Pid)), 0)
	return err
}

// errRuns is returned where the lock is held, by the program itself.
var errRuns = errors.New("it runs already")

// acquire takes the lock, which a child that inherits the file holds as well.
func (s server) acquire() (*os.File, error) {
	lock, err := os.OpenFile(s.file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, errRuns
	}
	return lock, nil
}

// runs says whether the program is there.
func (s server) runs() bool {
	lock, err := s.acquire()
	if err == nil {
		lock.Close()
	}
	return errors.Is(err, errRuns)
}

// stop asks the program to end and waits until it has; after ten seconds it is killed.
func (s server) stop() error {
	for i := range 200 {
		if !s.runs() {
			return nil
		}
		text, err := os.ReadFile(s.file)
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return fmt.Errorf("%s: %w", s.file, err)
		}
		switch i {
		case 0:
			err = syscall.Kill(pid, syscall.SIGTERM)
		case 100:
			err = syscall.Kill(pid, syscall.SIGKILL)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("process %d: %w", pid, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%s: still held after 20 s", s.file)
}
