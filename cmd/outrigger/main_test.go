package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"outrigger": main, "kubectl-outrigger": main})
}

// TestScripts runs the sessions of testdata/script, each one a behaviour.
// UPDATE_SCRIPTS=1 writes what the program prints into them.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

// exits is "exits STATUS PROGRAM ARGS...": the program has to end with that status.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGS...")
	}
	status, err := 0, ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		status = ended.ExitCode()
	}
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%v ended with %d, want %s: %v", args[1:], status, args[0], err)
	}
}
