package outrigger

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"outrigger.dev/outrigger/test/cluster"
)

// The images of test/standin, which no registry has.
const (
	standInHub = "cluster.test"
	standInTag = "standin"

	// ProxyImage stands in for Istio's proxy image.
	ProxyImage = standInHub + "/proxyv2:" + standInTag
	// AppImage is an application to put beside it.
	AppImage = standInHub + "/app:" + standInTag
)

// StandIn are the values for [Install] with which injected pods run [ProxyImage]. They ask for
// little, so that many fit on the one node.
var StandIn = []string{
	"global.hub=" + standInHub, "global.tag=" + standInTag,
	"global.proxy.resources.requests.cpu=5m", "global.proxy.resources.requests.memory=16Mi",
}

// LoadStandIn builds [ProxyImage] and [AppImage] and gives them to the node.
func LoadStandIn(ctx context.Context, c *cluster.Cluster) error {
	root, err := repositoryRoot(ctx)
	if err != nil {
		return err
	}
	module := filepath.Join(root, "test", "standin")
	for program, tag := range map[string]string{"pilot-agent": ProxyImage, "app": AppImage} {
		if err := loadProgram(ctx, c, module, program, tag); err != nil {
			return err
		}
	}
	return nil
}

// loadProgram builds a program and the image of the Containerfile beside it, outside of the
// repository.
func loadProgram(ctx context.Context, c *cluster.Cluster, module, program, tag string) error {
	dir, err := os.MkdirTemp("", "standin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, "./"+program)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
	}
	return c.Build(ctx, dir, tag, "--file", filepath.Join(module, program, "Containerfile"))
}
