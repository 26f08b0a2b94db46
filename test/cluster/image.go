package cluster

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"outrigger.dev/outrigger/test/cluster/internal/node"
)

// The image of the process that holds a pod's namespaces; config/containerd.toml has its
// name, too.
const (
	pauseImage   = "cluster.test/pause:1"
	pausePackage = "outrigger.dev/outrigger/test/cluster/pause"
)

// ImageStore is where a cluster's images are built and kept. Its methods may be called from any
// goroutine.
type ImageStore struct {
	// command prepares a program of the machine to run in the node.
	command func(ctx context.Context, args ...string) *exec.Cmd
}

// keeperFile has the number of the keeper's process, by which other processes find the node.
var keeperFile = filepath.Join(stateDir, "keeper")

// OpenImages finds the images of the cluster that is up on this machine, whichever process
// started it.
func OpenImages() (*ImageStore, error) {
	lock, err := tryLock()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(keeperFile)
	if lock != nil { // nobody has it: what was read is of a cluster that has gone
		_ = os.Remove(stateDir) // made by looking, unless it holds what a crash left
		return nil, errors.Join(errors.New("no cluster is up on this machine"), lock.Close())
	}
	if err != nil {
		return nil, fmt.Errorf("the cluster is not up yet, or about to go: %w", err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keeperFile, err)
	}
	return &ImageStore{command: func(ctx context.Context, args ...string) *exec.Cmd {
		return node.Command(ctx, pid, args...)
	}}, nil
}

// Load gives the node the images of an archive, as docker save and buildah push
// docker-archive: write one, under the names that the archive has for them. A name without a
// registry is one of docker.io, as in a pod. Pods must not ask for imagePullPolicy: Always.
func (s *ImageStore) Load(ctx context.Context, archive string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	cmd := s.command(ctx, "ctr", "--namespace", "k8s.io", "images", "import", "-")
	cmd.Stdin = file
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("image archive %q: %w: %s", archive, err, bytes.TrimSpace(out))
	}
	return nil
}

// Build builds an image from a folder with a Dockerfile, or a Containerfile, and gives it to
// the node. args are further flags of buildah build. What it builds upon has to be there: an
// image that was built before, or scratch. No registry is asked.
func (s *ImageStore) Build(ctx context.Context, dir, tag string, args ...string) error {
	args = append([]string{"build", "--quiet", "--pull=never", "--tag", tag}, args...)
	if err := s.buildah(ctx, append(args, dir)...); err != nil {
		return err
	}
	return s.LoadBuilt(ctx, tag)
}

// LoadBuilt gives the node an image that a [ImageStore.BuildCommand] has built.
func (s *ImageStore) LoadBuilt(ctx context.Context, tag string) error {
	archive := filepath.Join(stateDir, "image.tar")
	defer os.Remove(archive)
	if err := s.buildah(ctx, "push", "--quiet", tag, "docker-archive:"+archive+":"+tag); err != nil {
		return err
	}
	return s.Load(ctx, archive)
}

// aside runs a command with folders of this cluster where buildah keeps images and what it
// knows of them. Nobody else sees them there.
const aside = `set -e
mkdir -p "$0/lib" "$0/run" /var/lib/containers /run/containers
mount --bind "$0/lib" /var/lib/containers
mount --bind "$0/run" /run/containers
exec "$@"`

// makeBuildFolders makes the folders that aside covers, and returns those that were not there.
func makeBuildFolders() (made []string, err error) {
	for _, dir := range []string{"/var/lib/containers", "/run/containers"} {
		switch err := os.Mkdir(dir, 0o755); {
		case err == nil:
			made = append(made, dir)
		case !errors.Is(err, os.ErrExist):
			return made, err
		}
	}
	return made, nil
}

// BuildCommand prepares a command that runs buildah to see the images of this cluster, and to
// keep its own there: they go with it.
func (s *ImageStore) BuildCommand(ctx context.Context, args ...string) *exec.Cmd {
	args = append([]string{"--mount", "--", "sh", "-c", aside, filepath.Join(stateDir, "buildah")}, args...)
	cmd := exec.CommandContext(ctx, "unshare", args...)
	cmd.Env = append(os.Environ(), "STORAGE_DRIVER=vfs", "BUILDAH_ISOLATION=chroot")
	return cmd
}

// buildah runs buildah.
func (s *ImageStore) buildah(ctx context.Context, args ...string) error {
	cmd := s.BuildCommand(ctx, append([]string{"buildah"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("buildah %s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// BuildGo builds an image that holds a Go program and nothing else, and gives it to the node.
// pkg is what go build takes, seen from the working directory: an import path, or a folder
// after "./". The program is the entrypoint, /program, and runs as root unless the pod says
// otherwise.
func (s *ImageStore) BuildGo(ctx context.Context, pkg, tag string) error {
	work, err := os.MkdirTemp(stateDir, "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	program := filepath.Join(work, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, bytes.TrimSpace(out))
	}
	image, err := imageOf(program)
	if err != nil {
		return err
	}
	reference, err := name.NewTag(tag)
	if err != nil {
		return err
	}
	archive := filepath.Join(work, "image.tar")
	if err := tarball.WriteToFile(archive, reference, image); err != nil {
		return fmt.Errorf("image %q: %w", tag, err)
	}
	return s.Load(ctx, archive)
}

// imageOf is the image with one program.
func imageOf(program string) (v1.Image, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var files bytes.Buffer
	w := tar.NewWriter(&files)
	header := &tar.Header{Name: "program", Mode: 0o755, Size: int64(len(text))}
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files.Bytes())), nil
	})
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = runtime.GOOS, runtime.GOARCH
	config.Config.Entrypoint = []string{"/program"}
	return mutate.ConfigFile(image, config)
}

// Images lists the names of the node's images, in full: with the registry and a tag.
func (s *ImageStore) Images(ctx context.Context) ([]string, error) {
	out, err := s.command(ctx, "ctr", "--namespace", "k8s.io", "images", "list", "--quiet").Output()
	if err != nil {
		return nil, fmt.Errorf("ctr images list: %w", err)
	}
	return strings.Fields(string(out)), nil
}
