package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options are what a node is started with.
type Options struct {
	// Dir is the folder of the node's files, empty and for it alone. It is removed in the
	// end.
	Dir string
	// Logs is the folder for what the node's programs write, a file each.
	Logs string
	// Doomed is another folder to remove in the end; "" is none.
	Doomed string
	// Vacant are folders to remove in the end if they are empty.
	Vacant []string
	// Cgroup is the cgroup that pods are put below, a path from the root of each hierarchy.
	Cgroup string
	// Name is the node's host name.
	Name string
	// Lock is a file that stays open, and locked, until all is removed.
	Lock *os.File
}

// Node is one that runs. Its methods may be called from any goroutine.
type Node struct {
	cmd     *exec.Cmd
	stderr  *os.File
	replies chan reply
	ended   chan struct{} // closed when the keeper has ended
	why     string        // set before ended is closed

	mu    sync.Mutex // one request at a time
	pipe  io.WriteCloser
	write *json.Encoder
}

// request is what the keeper is asked for: to start a program, or one that runs again.
type request struct {
	Start   string   `json:",omitempty"` // its name
	Args    []string `json:",omitempty"` // its path and arguments
	Restart string   `json:",omitempty"` // the name of one that runs
}

// reply is what the keeper says: first when the node is set up, then to each request. Ended
// is said unasked, and last: why the node ends before it was told to.
type reply struct{ Error, Ended string }

// Start starts a node without any program in it.
func Start(options Options) (*Node, error) {
	n := &Node{replies: make(chan reply), ended: make(chan struct{})}
	var err error
	if n.stderr, err = unnamedFile(); err != nil {
		return nil, err
	}
	if n.cmd, err = keeper(options); err != nil {
		return nil, err
	}
	n.cmd.Stderr = n.stderr
	if n.pipe, err = n.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	n.write = json.NewEncoder(n.pipe)
	go n.listen(json.NewDecoder(out))
	if err := n.answer(); err != nil {
		return nil, errors.Join(fmt.Errorf("node: %w", err), n.Stop())
	}
	return n, nil
}

// unnamedFile makes a file that is gone when it is closed.
func unnamedFile() (*os.File, error) {
	file, err := os.CreateTemp("", "node-")
	if err != nil {
		return nil, err
	}
	return file, os.Remove(file.Name())
}

// listen hands out what the keeper says until it ends.
func (n *Node) listen(in *json.Decoder) {
	for {
		var r reply
		if err := in.Decode(&r); err != nil {
			break
		}
		if r.Ended != "" {
			n.why = r.Ended
			continue
		}
		n.replies <- r
	}
	err := n.cmd.Wait()
	if said, _ := io.ReadAll(io.NewSectionReader(n.stderr, 0, 64<<10)); len(said) > 0 {
		n.why = strings.TrimSpace(n.why + "\n" + string(said))
	}
	if n.why == "" && err != nil {
		n.why = err.Error()
	}
	n.stderr.Close()
	close(n.ended)
}

// Run starts a program in the node. It is expected to run until the node ends: if it ends
// before, so does the node.
func (n *Node) Run(name string, args ...string) error {
	return n.ask(request{Start: name, Args: args})
}

// Restart ends a program as its service manager would and starts it again. It does not wait
// until it is ready.
func (n *Node) Restart(name string) error { return n.ask(request{Restart: name}) }

// ask makes a request and waits for the answer.
func (n *Node) ask(r request) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.write.Encode(r); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return n.answer()
}

// answer waits for an answer.
func (n *Node) answer() error {
	select {
	case r := <-n.replies:
		if r.Error != "" {
			return errors.New(r.Error)
		}
		return nil
	case <-n.ended:
		return fmt.Errorf("ended: %s", n.why)
	}
}

// Command prepares a program of the machine to run with the node's files and network.
func (n *Node) Command(ctx context.Context, args ...string) *exec.Cmd {
	return Command(ctx, n.PID(), args...)
}

// Command is [Node.Command] for who knows the keeper's process alone.
func Command(ctx context.Context, keeper int, args ...string) *exec.Cmd {
	enter := []string{"--target", strconv.Itoa(keeper), "--mount", "--net", "--"}
	return exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
}

// PID is the number of the keeper's process, by which others find the node's namespaces.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// Ended is closed when the node has ended and all of it is gone. Why says what ended it.
func (n *Node) Ended() <-chan struct{} { return n.ended }

// Why says why the node has ended, once Ended is closed; "" if it was told to.
func (n *Node) Why() string { return n.why }

// stopLimit is how long the keeper may take. It takes about a second.
const stopLimit = time.Minute

// Stop ends the node and returns when all of it is gone. It may be called again.
func (n *Node) Stop() error {
	n.pipe.Close()
	select {
	case <-n.ended:
	case <-time.After(stopLimit):
		_ = n.cmd.Process.Kill()
		<-n.ended
		return fmt.Errorf("node: not ended after %s: killed; the next start cleans up", stopLimit)
	}
	if n.why != "" {
		return fmt.Errorf("node: %s", n.why)
	}
	return nil
}
