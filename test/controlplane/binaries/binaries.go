// Package binaries has the programs of a Kubernetes control plane ready: etcd,
// kube-apiserver, kube-controller-manager, kube-scheduler, kubectl and kwok; and for those
// who ask for them, the programs of a node: kubelet and kube-proxy.
//
// They are built from Go modules, so a machine needs Go and a module proxy and nothing
// else: no container engine, no download of executables. What is built is pinned by the
// go.mod and go.sum of modules that hold no code of their own, one for etcd and one for
// the rest, which Kubernetes' own versions of its libraries serve as well. They lie in the
// folder modules under names that Go does not take for modules, and are embedded, so that
// the package works wherever it was imported from. For another version, edit the .mod file
// and run go generate.
//
// The first build takes minutes, every later one nothing: a program is kept in [Cache]
// under its version. Processes that want it at the same time wait for each other, and a
// build that was cut short leaves nothing that looks complete.
//
// The environment variable OUTRIGGER_TEST_KUBERNETES asks for API server, controller manager and
// scheduler of another version: oldest, the first that the chart allows, or next, one that is
// newer than the k8s.io/api that Outrigger is built with. The other programs stay as they are.
//
// Programs that the folder in KUBEBUILDER_ASSETS has are used instead of built.
//
// What runs beside a control plane is built the same way, from a module of this repository:
// see [BuildModule].
package binaries

//go:generate sh modules/tidy.sh

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Paths says where each program is. Those of a node are empty unless they were asked for.
type Paths struct {
	Etcd              string
	APIServer         string
	ControllerManager string
	Scheduler         string
	Kubectl           string
	Kwok              string
	Kubelet           string
	KubeProxy         string
}

// program is one executable, and where its source is.
type program struct {
	name    string
	pkg     string // below the project's path
	project *project
	path    func(*Paths) *string
}

// kubernetes is where most programs come from.
var kubernetes = &project{name: "kubernetes", path: "k8s.io/kubernetes", module: "kubernetes", stamp: kubernetesVersion}

// others are the versions of Kubernetes that are there besides, each in a .mod file of its own.
var others = []string{"oldest", "next"}

// tested is the Kubernetes that the environment asks for.
func tested() (*project, error) {
	const variable = "OUTRIGGER_TEST_KUBERNETES"
	name := os.Getenv(variable)
	switch {
	case name == "":
		return kubernetes, nil
	case !slices.Contains(others, name):
		return nil, fmt.Errorf("%s=%s: want %s, or nothing", variable, name, strings.Join(others, ", "))
	}
	other := *kubernetes
	other.module = kubernetes.module + "-" + name
	return &other, nil
}

// programs lists what a control plane with some Kubernetes consists of, in the order in which it
// is built: etcd is the quickest, so a machine that cannot build says so early.
func programs(tested *project) []program {
	etcd := &project{name: "etcd", path: "go.etcd.io/etcd/server/v3", module: "etcd"}
	kwok := &project{name: "kwok", path: "sigs.k8s.io/kwok", module: "kubernetes"}
	return []program{
		{"etcd", "", etcd, func(p *Paths) *string { return &p.Etcd }},
		{"kube-apiserver", "/cmd/kube-apiserver", tested, func(p *Paths) *string { return &p.APIServer }},
		{"kube-controller-manager", "/cmd/kube-controller-manager", tested,
			func(p *Paths) *string { return &p.ControllerManager }},
		{"kube-scheduler", "/cmd/kube-scheduler", tested, func(p *Paths) *string { return &p.Scheduler }},
		{"kubectl", "/cmd/kubectl", kubernetes, func(p *Paths) *string { return &p.Kubectl }},
		{"kwok", "/cmd/kwok", kwok, func(p *Paths) *string { return &p.Kwok }},
	}
}

// nodePrograms lists what a real node needs besides, a container runtime apart.
func nodePrograms() []program {
	return []program{
		{"kubelet", "/cmd/kubelet", kubernetes, func(p *Paths) *string { return &p.Kubelet }},
		{"kube-proxy", "/cmd/kube-proxy", kubernetes, func(p *Paths) *string { return &p.KubeProxy }},
	}
}

// Build returns the programs of a control plane, building those that are neither in the folder that
// KUBEBUILDER_ASSETS names nor in the cache. Each program that is built writes one line to
// progress, with its version and the seconds it took.
//
// A cancelled build keeps what is complete, and Go keeps the packages that were compiled,
// so the next one goes on from there.
func Build(ctx context.Context, progress io.Writer) (Paths, error) {
	return build(ctx, progress, nil)
}

// BuildNode does the same and has the programs of a node ready as well, which takes some
// three minutes more the first time. They are for Linux.
func BuildNode(ctx context.Context, progress io.Writer) (Paths, error) {
	return build(ctx, progress, nodePrograms())
}

// build is Build, for more programs than those of a control plane.
func build(ctx context.Context, progress io.Writer, more []program) (Paths, error) {
	kubernetes, err := tested()
	if err != nil {
		return Paths{}, err
	}
	return have(ctx, progress, append(programs(kubernetes), more...))
}

// have builds those programs that are not there yet.
func have(ctx context.Context, progress io.Writer, wanted []program) (Paths, error) {
	cache, err := Cache()
	if err != nil {
		return Paths{}, err
	}
	b := builder{root: filepath.Join(cache, "controlplane"), progress: progress}

	paths, missing, err := b.look(wanted)
	if err != nil || len(missing) == 0 {
		return paths, err
	}
	unlock, err := b.lock(ctx)
	if err != nil {
		return Paths{}, err
	}
	defer unlock()

	// Whoever held the lock may have built what was missing.
	_, missing, err = b.look(wanted)
	if err != nil {
		return Paths{}, err
	}
	b.sweep()
	for i, p := range missing {
		if err := b.build(ctx, p, i+1, len(missing)); err != nil {
			return Paths{}, err
		}
	}
	paths, _, err = b.look(wanted)
	return paths, err
}

// look finds the programs that are ready, and lists those that are not.
func (b *builder) look(wanted []program) (Paths, []program, error) {
	var paths Paths
	var missing []program
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	for _, p := range wanted {
		file, err := b.file(p)
		if err != nil {
			return Paths{}, nil, err
		}
		if assets != "" && executable(filepath.Join(assets, p.name)) {
			file = filepath.Join(assets, p.name)
		}
		if !executable(file) {
			missing = append(missing, p)
		}
		*p.path(&paths) = file
	}
	return paths, missing, nil
}

// executable says whether file is a regular file that may be run.
func executable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
