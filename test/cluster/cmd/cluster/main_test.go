// Inside of package main, to run the command as a process of its own.
package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/cluster"
	"outrigger.dev/outrigger/test/controlplane/background"
	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// commandVariable makes this test's program be the command.
const commandVariable = "CLUSTER_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandVariable) != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestWrongCommandLines(t *testing.T) {
	for _, args := range [][]string{nil, {"sideways"}, {"up", "down"}} {
		var stdout, stderr bytes.Buffer
		if got := run(args, &stdout, &stderr); got != 64 || stdout.Len() > 0 || stderr.String() != usage {
			t.Errorf("%q: exit status %d, output %q, errors %q, want 64 and the usage", args, got, &stdout, &stderr)
		}
	}
}

func TestDepsSaysWhatIsMissing(t *testing.T) {
	runc := cluster.Need{What: "runc is not installed", Package: "runc"}
	root := cluster.Need{What: "this is not root"}
	const apt = "#!/bin/sh\necho \"$@\" >> \"$(dirname \"$0\")/calls\"\n"
	for name, tc := range map[string]struct {
		before, after []cluster.Need
		apt           string
		output, err   string
		calls         string
	}{
		"nothing": {output: "this machine has all that a cluster needs\n"},
		"what no package brings": {before: []cluster.Need{root},
			err: "this machine cannot run a cluster:\n  this is not root"},
		"what Debian has": {before: []cluster.Need{runc}, apt: apt,
			output: "runc is not installed (Debian: apt-get install runc)\n$ apt-get update --quiet=2\n" +
				"$ apt-get install --quiet --yes --no-install-recommends runc\nthis machine has all that a cluster needs\n",
			calls: "update --quiet=2\ninstall --quiet --yes --no-install-recommends runc\n"},
		"more than Debian has": {before: []cluster.Need{runc}, after: []cluster.Need{root}, apt: apt,
			output: "runc is not installed (Debian: apt-get install runc)\n$ apt-get update --quiet=2\n" +
				"$ apt-get install --quiet --yes --no-install-recommends runc\n",
			calls: "update --quiet=2\ninstall --quiet --yes --no-install-recommends runc\n",
			err:   "this machine cannot run a cluster:\n  this is not root"},
		"on another system": {before: []cluster.Need{runc},
			output: "runc is not installed (Debian: apt-get install runc)\n",
			err:    "this is not Debian (there is no apt-get): install what brings these by other means: runc"},
		"with Debian out of reach": {before: []cluster.Need{runc}, apt: "#!/bin/sh\nexit 100\n",
			output: "runc is not installed (Debian: apt-get install runc)\n$ apt-get update --quiet=2\n",
			err:    "apt-get update: exit status 100"},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			if tc.apt != "" {
				if err := os.WriteFile(filepath.Join(bin, "apt-get"), []byte(tc.apt), 0o755); err != nil {
					t.Fatal(err)
				}
				t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			} else {
				t.Setenv("PATH", bin)
			}
			answers := [][]cluster.Need{tc.before, tc.after}
			look := func() []cluster.Need {
				needs := answers[0]
				answers = answers[1:]
				return needs
			}
			var stdout, stderr bytes.Buffer
			err := install(context.Background(), look, &stdout, &stderr)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tc.err || stdout.String() != tc.output {
				t.Errorf("error %q, want %q; output %q, want %q", got, tc.err, &stdout, tc.output)
			}
			if calls, _ := os.ReadFile(filepath.Join(bin, "calls")); string(calls) != tc.calls {
				t.Errorf("apt-get was called with %q, want %q", calls, tc.calls)
			}
		})
	}
}

// TestSession is what a person would type, a crash included.
func TestSession(t *testing.T) {
	if needs := cluster.Missing(); len(needs) > 0 {
		t.Skip("needs a cluster: ", needs)
	}
	if _, err := binaries.BuildNode(t.Context(), os.Stderr); err != nil {
		t.Fatal(err)
	}
	real, err := binaries.Cache()
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	if err := os.Symlink(filepath.Join(real, "controlplane"), filepath.Join(cache, "controlplane")); err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(cache, "cluster", "controlplane", "kubeconfig")
	t.Cleanup(func() { _, _ = command(cache, "down") })

	expect(t, cache, "status", 1, "error: the cluster is not up")
	expect(t, cache, "down", 0, "the cluster is not up")
	expect(t, cache, "up", 0, "the cluster is up\n\n    export KUBECONFIG="+regexp.QuoteMeta(kubeconfig))
	expect(t, cache, "up", 0, "the cluster is already up")
	expect(t, cache, "status", 0, "the cluster is up")
	process, _, err := background.Look(filepath.Join(cache, "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); syscall.Kill(process, 0) == nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d: still there", process)
		}
	}
	expect(t, cache, "status", 1, "error: the cluster is not up")
	expect(t, cache, "up", 0, "the cluster is up")
	expect(t, cache, "down", 0, "the cluster is down")
	if out, _ := exec.Command("ps", "-A", "-o", "args=").Output(); strings.Contains(string(out), cache) {
		t.Errorf("processes are left:\n%s", out)
	}
	for _, gone := range []string{kubeconfig, "/var/lib/outrigger-cluster"} {
		if _, err := os.Stat(gone); !os.IsNotExist(err) {
			t.Errorf("%s after down: %v, want it gone", gone, err)
		}
	}
}

// command runs the command with a cache.
func command(cache, verb string) (output string, status int) {
	cmd := exec.Command(os.Args[0], verb)
	cmd.Env = append(os.Environ(), commandVariable+"=1", "OUTRIGGER_CACHE="+cache)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// expect runs the command and holds its exit status and output against what is wanted.
func expect(t *testing.T, cache, verb string, status int, output string) {
	t.Helper()
	got, gotStatus := command(cache, verb)
	if gotStatus != status || !regexp.MustCompile(output).MatchString(got) {
		t.Fatalf("cluster %s: exit status %d, want %d; output does not match %q:\n%s", verb, gotStatus, status, output, got)
	}
}
