// Package outrigger installs Outrigger in a cluster as its users do: the image that the
// repository's Dockerfile builds, and the repository's chart, in a namespace that enforces
// restricted Pod Security. It runs in pods there, and the API server reaches it through its
// Service. What it injects can run images of test/standin, which [LoadStandIn] brings.
package outrigger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"outrigger.dev/outrigger/test/cluster"
)

const (
	// Namespace is where the chart is installed.
	Namespace = "outrigger-system"
	// Release is the first installation's; that of a revision ends in "-" and the revision.
	Release = "outrigger"
)

// The image's name, which no registry has.
const (
	repository = "cluster.test/outrigger-injector"
	tag        = "built"

	// InjectorImage is it with its tag.
	InjectorImage = repository + ":" + tag
)

// Restricted are the labels of a namespace that takes no pod that could do more than it has
// to, and says so already to those who create a workload.
var Restricted = map[string]string{
	"pod-security.kubernetes.io/enforce": "restricted",
	"pod-security.kubernetes.io/warn":    "restricted",
}

// Install builds the image, unless the node has it, installs the chart with values as Helm's
// --set takes them, and returns when every replica is ready and a pod is injected. With the
// value revision=R it is an installation beside the first.
//
// The error of an installation that does not become ready ends in what the pods say.
func Install(ctx context.Context, c *cluster.Cluster, values ...string) error {
	root, err := repositoryRoot(ctx)
	if err != nil {
		return err
	}
	if err := LoadInjector(ctx, c.ImageStore); err != nil {
		return err
	}
	if err := makeNamespace(ctx, c); err != nil {
		return err
	}
	args := []string{
		"upgrade", "--install", release(values), filepath.Join(root, "charts", "outrigger"), "--namespace", Namespace,
		"--set", "image.repository=" + repository, "--set", "image.tag=" + tag,
		// A machine that builds something else meanwhile may stand still for longer than a
		// cluster should wait.
		"--set", "webhook.timeoutSeconds=30",
		"--hide-notes", "--wait", "--timeout", "3m",
	}
	for _, value := range values {
		args = append(args, "--set", value)
	}
	if _, err := Helm(ctx, c, args...); err != nil {
		return errors.Join(err, describePods(c))
	}
	if err := awaitInjection(ctx, c, revision(values)); err != nil {
		return errors.Join(err, describePods(c))
	}
	return nil
}

// release names the release of an installation with these values.
func release(values []string) string {
	if revision := revision(values); revision != "" {
		return Release + "-" + revision
	}
	return Release
}

// revision is that of an installation with these values, "" for the default one.
func revision(values []string) string {
	for _, value := range values {
		if revision, ok := strings.CutPrefix(value, "revision="); ok {
			return revision
		}
	}
	return ""
}

// Helm runs Helm, of the version that the repository's tests use, as an administrator and
// returns what it wrote. Relative paths are seen from test/e2e.
func Helm(ctx context.Context, c *cluster.Cluster, args ...string) (string, error) {
	root, err := repositoryRoot(ctx)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"run", "helm.sh/helm/v4/cmd/helm"}, args...)...)
	cmd.Dir = filepath.Join(root, "test", "e2e")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig())
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return string(out), nil
}

// LoadInjector builds [InjectorImage] where no registry is reached, by test/image/standin.sh,
// and gives it to the node, unless that has it.
func LoadInjector(ctx context.Context, images *cluster.ImageStore) error {
	root, err := repositoryRoot(ctx)
	if err != nil {
		return err
	}
	there, err := images.Images(ctx)
	if err != nil || slices.Contains(there, InjectorImage) {
		return err
	}
	cmd := images.BuildCommand(ctx, filepath.Join(root, "test", "image", "standin.sh"), InjectorImage)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
	}
	return images.LoadBuilt(ctx, InjectorImage)
}

// makeNamespace makes the namespace, which enforces restricted Pod Security.
func makeNamespace(ctx context.Context, c *cluster.Cluster) error {
	var labels strings.Builder
	for key, value := range Restricted {
		fmt.Fprintf(&labels, "    %s: %s\n", key, value)
	}
	_, err := c.Apply(ctx, "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: "+Namespace+"\n  labels:\n"+labels.String())
	return err
}

// describePods is what is known about pods that do not become ready, as an error.
func describePods(c *cluster.Cluster) error {
	var all []string
	for _, args := range [][]string{
		{"get", "pods", "--output", "wide"},
		{"describe", "pods"},
		{"logs", "--prefix", "--tail", "20", "--selector", "app.kubernetes.io/name=outrigger-injector"},
	} {
		out, err := c.Kubectl(context.Background(), append(args, "--namespace", Namespace)...)
		if err != nil {
			out = err.Error()
		}
		all = append(all, out)
	}
	return errors.New(strings.Join(all, "\n"))
}

// repositoryRoot finds the repository, from anywhere in a module that uses this one.
func repositoryRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "outrigger.dev/outrigger/test/cluster").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m outrigger.dev/outrigger/test/cluster: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "..", ".."), nil
}

// CommandLine builds the command line into a folder, and returns its path.
func CommandLine(ctx context.Context, into string) (string, error) {
	root, err := repositoryRoot(ctx)
	if err != nil {
		return "", err
	}
	cli := filepath.Join(into, "outrigger")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", cli, "./cmd/outrigger")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
	}
	return cli, nil
}
