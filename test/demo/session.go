package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A session runs commands the way a person at a terminal would, and shows each
// as that person would type it, with what it prints.
type session struct {
	out io.Writer
	dir string
	env []string
}

// step announces what comes next.
func (s *session) step(text string) { fmt.Fprintf(s.out, "\n%s\n", text) }

// run shows a command line and runs it. Its words are what is between spaces:
// nothing here needs a quote. The output is shown as it comes.
func (s *session) run(ctx context.Context, line string) error {
	fmt.Fprintf(s.out, "  $ %s\n", line)
	return s.quiet(ctx, line, &indented{to: s.out, start: true})
}

// quiet runs a command line without showing it; its output goes to w.
func (s *session) quiet(ctx context.Context, line string, w io.Writer) error {
	cmd := s.command(ctx, line)
	var tail bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, io.MultiWriter(w, &tail)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w%s", line, err, lastLine(tail.String()))
	}
	return nil
}

// firstLine shows a command line and runs it, and of what it says shows the first line.
func (s *session) firstLine(ctx context.Context, line string) error {
	fmt.Fprintf(s.out, "  $ %s\n", line)
	cmd := s.command(ctx, line)
	cmd.Stderr = &indented{to: s.out, start: true}
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	fmt.Fprintf(s.out, "  %s\n", first)
	return nil
}

// output runs a command line without showing it and returns its standard output.
func (s *session) output(ctx context.Context, line string) ([]byte, error) {
	cmd := s.command(ctx, line)
	var tail bytes.Buffer
	cmd.Stderr = &tail
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w%s", line, err, lastLine(tail.String()))
	}
	return out, nil
}

// command prepares a command line. When ctx ends it is interrupted as from a
// terminal, and has ten seconds to leave things in order.
func (s *session) command(ctx context.Context, line string) *exec.Cmd {
	words := strings.Fields(line)
	cmd := exec.CommandContext(ctx, s.lookUp(words[0]), words[1:]...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), s.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// lookUp finds a program along the session's own PATH, which exec does not look at.
func (s *session) lookUp(program string) string {
	for _, e := range s.env {
		if path, ok := strings.CutPrefix(e, "PATH="); ok {
			for dir := range strings.SplitSeq(path, string(os.PathListSeparator)) {
				if found, err := exec.LookPath(dir + "/" + program); err == nil {
					return found
				}
			}
		}
	}
	return program
}

// lastLine is the last line of a text, where programs say what was wrong.
func lastLine(text string) string {
	var last string
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" {
			last = ": " + line
		}
	}
	return last
}

// indented writes lines with two spaces before each.
type indented struct {
	to    io.Writer
	start bool // of a line
}

func (w *indented) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for _, c := range p {
		if w.start && c != '\n' {
			b.WriteString("  ")
		}
		b.WriteByte(c)
		w.start = c == '\n'
	}
	_, err := w.to.Write(b.Bytes())
	return len(p), err
}
