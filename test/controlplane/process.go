package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// group is the processes of one control plane. None of them outlives this process, whatever
// ends it, for two independent reasons:
//
//   - On Linux the kernel kills each as soon as the thread that started it ends
//     (Pdeathsig). Go ends threads as it likes, so they are all started from one
//     goroutine that is locked to its thread until stop.
//   - A watchdog, which leads their process group, reads from a pipe that only this
//     process can write to. When the pipe closes, it kills the group and
//     removes the files that nobody needs any more.
//
// The group's number cannot come to mean other processes while the watchdog lives, since
// that is its own.
type group struct {
	dir       string // working directory
	logs      string // folder of the log files
	starts    chan func()
	watchdog  *exec.Cmd
	pipe      *os.File
	processes []*process

	broken     chan struct{} // closed when the first process has ended
	brokenOnce sync.Once
}

// process is one that was started, and how it ended.
type process struct {
	name string
	log  string
	done chan struct{}
	err  error // set when done is closed
}

// watchdogScript waits for the end of its input, then ends the group that it leads: first
// everybody else, so that nothing is written while it removes the folder that its argument
// names, then whoever is left and itself.
const watchdogScript = `trap "" HUP INT TERM
while read -r _; do :; done
kill -TERM 0; sleep 1
rm -rf -- "$1"
kill -KILL 0`

// newGroup starts the watchdog. It removes the folder doomed if this process ends without
// having called stop.
func newGroup(dir, logs, doomed string) (*group, error) {
	g := &group{dir: dir, logs: logs, starts: make(chan func()), broken: make(chan struct{})}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	g.pipe = write
	g.watchdog = exec.Command("/bin/sh", "-c", watchdogScript, "watchdog", doomed)
	g.watchdog.Stdin = read
	g.watchdog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.watchdog.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("watchdog: %w", err)
	}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for start := range g.starts {
			start()
		}
	}()
	return g, nil
}

// start runs a program with its output in a log file. The environment is bare: what a proxy
// variable or a configuration at home would change, it must not.
func (g *group) start(path string, args ...string) error {
	name := filepath.Base(path)
	log, err := os.Create(filepath.Join(g.logs, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(path, args...)
	cmd.Dir = g.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "TMPDIR=" + g.dir}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = member(g.watchdog.Process.Pid)

	started := make(chan error)
	g.starts <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: name, log: log.Name(), done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
		g.brokenOnce.Do(func() { close(g.broken) })
	}()
	g.processes = append(g.processes, p)
	return nil
}

// ended tells of the first process that has ended, in the order of their start, with the
// end of its log. The others depend on it.
func (g *group) ended() error {
	for _, p := range g.processes {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended: %s\n%s", p.name, exitState(p.err), tail(p.log, 10))
		default:
		}
	}
	return nil
}

// stop kills all and returns when all are gone. Nothing is asked to end in good order,
// since its data goes too: an API server would wait a minute for its clients, and one that
// lost its etcd longer.
func (g *group) stop() error {
	err := syscall.Kill(-g.watchdog.Process.Pid, syscall.SIGKILL)
	if err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("process group %d: %w", g.watchdog.Process.Pid, err)
	}
	for _, p := range g.processes {
		<-p.done
	}
	_ = g.watchdog.Wait() // it was killed, and says so
	close(g.starts)
	return g.pipe.Close()
}

// exitState puts the end of a process into words.
func exitState(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// tail returns the last lines of a file, for an error message.
func tail(file string, n int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
