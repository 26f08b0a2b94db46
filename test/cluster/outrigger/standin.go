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
func LoadStandIn(ctx context.Context, images *cluster.ImageStore) error {
	root, err := repositoryRoot(ctx)
	if err != nil {
		return err
	}
	module := filepath.Join(root, "test", "standin")
	for program, tag := range map[string]string{"pilot-agent": ProxyImage, "app": AppImage} {
		if err := loadProgram(ctx, images, module, program, tag); err != nil {
			return err
		}
	}
	return nil
}

// RedirectPlugin builds the CNI plugin of test/standin in a folder. For pods that are injected
// with pilot.cni.enabled=true it does what their init container would do.
func RedirectPlugin(ctx context.Context, dir string) (cluster.Plugin, error) {
	root, err := repositoryRoot(ctx)
	if err != nil {
		return cluster.Plugin{}, err
	}
	program := filepath.Join(dir, "redirect")
	return cluster.Plugin{
		Program: program,
		Config:  map[string]any{"kubeconfig": cluster.NodeKubeconfig},
	}, buildProgram(ctx, filepath.Join(root, "test", "standin"), "cni", program)
}

// loadProgram builds a program and the image of the Containerfile beside it, outside of the
// repository.
func loadProgram(ctx context.Context, images *cluster.ImageStore, module, program, tag string) error {
	dir, err := os.MkdirTemp("", "standin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := buildProgram(ctx, module, program, filepath.Join(dir, program)); err != nil {
		return err
	}
	return images.Build(ctx, dir, tag, "--file", filepath.Join(module, program, "Containerfile"))
}

// buildProgram builds a program of a module as an image without a system can have it.
func buildProgram(ctx context.Context, module, program, file string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./"+program)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, bytes.TrimSpace(out))
	}
	return nil
}
