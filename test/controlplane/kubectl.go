package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// KubectlPath is the kubectl of the API server's version.
func (c *ControlPlane) KubectlPath() string { return c.kubectl }

// KubectlCommand prepares kubectl to run as a member of system:masters. The caller may set
// its input, and another kubeconfig by --kubeconfig.
//
// The user's own settings do not apply, nor a cache of what some other API server offered
// on this port.
func (c *ControlPlane) KubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.kubectl, args...)
	cmd.Env = append(os.Environ(),
		"KUBECONFIG="+c.Kubeconfig(), "KUBECACHEDIR="+c.file("kubectl"), "KUBERC=off")
	return cmd
}

// Kubectl runs kubectl and returns what it wrote to standard output. What it wrote to
// standard error is part of the error.
func (c *ControlPlane) Kubectl(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := c.KubectlCommand(ctx, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("kubectl %s: %w: %s",
			strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// Apply runs kubectl apply on manifests, and returns what it wrote.
func (c *ControlPlane) Apply(ctx context.Context, manifests string) (string, error) {
	cmd := c.KubectlCommand(ctx, "apply", "-f", "-")
	cmd.Stdin = strings.NewReader(manifests)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl apply: %w: %s", err, bytes.TrimSpace(out))
	}
	return string(out), nil
}
