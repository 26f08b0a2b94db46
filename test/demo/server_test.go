// Inside the package: the program's output is its whole interface.
package main

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestServerRunsUntilItIsStopped(t *testing.T) {
	dir := t.TempDir()
	s := server{file: filepath.Join(dir, "lock"), log: filepath.Join(dir, "log")}
	if s.runs() {
		t.Fatal("it runs before it was started")
	}
	if err := s.start("sleep", []string{"600"}, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.stop() })
	if !s.runs() {
		t.Error("it does not run after it was started")
	}
	if err := s.start("sleep", []string{"600"}, nil); !errors.Is(err, errRuns) {
		t.Errorf("started twice: got %v, want %v", err, errRuns)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if s.runs() {
		t.Error("it runs after it was stopped")
	}
	if err := s.stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
}
