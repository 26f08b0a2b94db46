package e2ereal_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// The command line opens the page of a replica, which listens on the pod's loopback alone,
// and ends when it is interrupted; and it knows which versions run.
func TestDashboardLeadsToAReplica(t *testing.T) {
	t.Parallel()
	c := real(t)
	cli, err := outrigger.CommandLine(within(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// Again where the replica was replaced by another test meanwhile.
	eventually(t, func() error { return openPage(within(t), cli, c.Kubeconfig()) })
	eventually(t, func() error {
		out, err := exec.CommandContext(within(t), cli, "version", "--kubeconfig", c.Kubeconfig()).CombinedOutput()
		if err == nil && !regexp.MustCompile(`(?m)^outrigger-injector [^ ]+, revision default, pod outrigger-system/outrigger-injector-\S+, ready$`).Match(out) {
			err = fmt.Errorf("no server that is ready is among\n%s", out)
		}
		return err
	})
}

// openPage runs the verb dashboard, asks for what is behind the URL that it prints, and
// interrupts it.
func openPage(ctx context.Context, cli, kubeconfig string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, cli, "dashboard", "--browser=false", "--kubeconfig", kubeconfig)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("%w: %w: %s", err, cmd.Wait(), said.String())
	}
	url = strings.TrimSpace(url)
	for path, want := range map[string]string{"": "<title>", "live": `"certificate"`} {
		text, err := send(ctx, http.MethodGet, url+path)
		if err != nil || !strings.Contains(text, want) {
			return fmt.Errorf("%s%s: %v: %q, want %s in it", url, path, err, text, want)
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, said.String())
	}
	return nil
}
