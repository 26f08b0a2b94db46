package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// variable makes a program that imports this package the keeper of a node; it holds the
// [Options].
const variable = "OUTRIGGER_TEST_NODE"

// lockFD is where the keeper inherits the lock.
const lockFD = 3

// keeper prepares the keeper to run: this program, in namespaces of its own, and in a session
// of its own, so that what is typed at a terminal does not reach it.
func keeper(options Options) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(options.inherited())
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Env = []string{variable + "=" + string(text), "PATH=" + os.Getenv("PATH")}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{options.Lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET |
			syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	return cmd, nil
}

// inherited is what the keeper reads; the lock it gets as a file.
func (o Options) inherited() Options {
	o.Lock = nil
	return o
}

// Enter makes this process the keeper of a node if it was started as one, and then does not
// return. Every program that starts nodes has to call it before it does anything else.
func Enter() {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return
	}
	os.Unsetenv(variable)
	syscall.CloseOnExec(lockFD)
	// Caught and let be, not ignored: programs that are started would inherit that. The
	// keeper listens to the pipe alone.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	var options Options
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := keep(options); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// keep is the life of a node.
func keep(options Options) error {
	say := json.NewEncoder(os.Stdout)
	m := mounts{}
	if err := setUp(options, &m); err != nil {
		_ = say.Encode(reply{Error: err.Error()}) // to nobody, if the other side has gone
		return cleanUp(options, &m)
	}
	p := newPrograms(options.Logs)
	requests := make(chan request)
	go read(requests)
	_ = say.Encode(reply{})
	for {
		select {
		case r, open := <-requests:
			if !open {
				return cleanUp(options, &m)
			}
			_ = say.Encode(reply{Error: text(p.do(r))})
		case why := <-p.ended:
			_ = say.Encode(reply{Ended: why})
			return cleanUp(options, &m)
		}
	}
}

// read reads requests until the pipe closes.
func read(requests chan<- request) {
	defer close(requests)
	for in := json.NewDecoder(os.Stdin); ; {
		var r request
		if in.Decode(&r) != nil {
			return
		}
		requests <- r
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// setUp makes the node's cgroups and puts its files where it looks for them.
func setUp(options Options, m *mounts) error {
	if err := removeCgroups(options.Cgroup); err != nil {
		return err
	}
	if err := empty(options.Dir); err != nil {
		return err
	}
	if err := makeCgroups(options.Cgroup); err != nil {
		return err
	}
	if err := syscall.Sethostname([]byte(options.Name)); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	if err := m.make(options.Dir, options.Logs); err != nil {
		return err
	}
	// Of this network alone, as everything below net is.
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644)
}

// cleanUp ends every other process of the node and removes what the kernel does not.
func cleanUp(options Options, m *mounts) error {
	killAll()
	m.undo()
	err := removeCgroups(options.Cgroup)
	for _, dir := range []string{options.Dir, options.Doomed} {
		if dir != "" {
			err = errors.Join(err, removeAll(dir))
		}
	}
	for _, dir := range options.Vacant {
		_ = os.Remove(dir) // somebody else uses it, or has removed it
	}
	return err
}
