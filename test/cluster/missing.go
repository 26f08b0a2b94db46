package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"outrigger.dev/outrigger/test/cluster/internal/node"
	"outrigger.dev/outrigger/test/controlplane/debian"
)

// Need is what a machine lacks.
type Need = debian.Need

// programs are those of the machine that a cluster runs, and the Debian packages that bring
// them.
var programs = []struct{ name, pkg string }{
	{"containerd", "containerd"},
	{"ctr", "containerd"},
	{"runc", "runc"},
	{"nft", "nftables"},
	{"buildah", "buildah"},
	{"ip", "iproute2"},
	{"nsenter", "util-linux"},
	{"unshare", "util-linux"},
	{filepath.Join(cniPrograms, "ptp"), "containernetworking-plugins"},
	{filepath.Join(cniPrograms, "host-local"), "containernetworking-plugins"},
}

// probes are what the kernel has to be able to do, tried in namespaces that end with the
// attempt.
var probes = []struct{ what, script string }{
	{"makes namespaces for mounts, processes and networks", "true"},
	{"makes pairs of network interfaces (veth)", "ip link add name left type veth peer name right"},
	{"has the nftables that kube-proxy needs", `nft 'add table ip t; add chain ip t c { type nat hook prerouting priority 0; };
		add rule ip t c fib daddr type local numgen random mod 2 vmap { 0 : accept, 1 : accept };
		add rule ip t c ip protocol tcp dnat to 10.0.0.1:80;
		add chain ip t m { type nat hook postrouting priority 0; }; add rule ip t m masquerade'`},
	{"stacks folders (overlayfs)", `mount -t tmpfs none /mnt && cd /mnt && mkdir a b c d && mount -t overlay none -o lowerdir=a,upperdir=b,workdir=c d`},
}

// Missing says what keeps this machine from running a cluster; nothing, if it can. It looks at
// what can be looked at: without the programs, say, it does not try the kernel.
func Missing() []Need {
	if runtime.GOOS != "linux" {
		return []Need{{What: "this is " + runtime.GOOS + ", and a node needs Linux"}}
	}
	if os.Geteuid() != 0 {
		return []Need{{What: "this is not root, who alone may start containers"}}
	}
	var needs []Need
	for _, p := range programs {
		if _, err := exec.LookPath(p.name); err != nil {
			needs = append(needs, Need{What: p.name + " is not installed", Package: p.pkg})
		}
	}
	if len(needs) > 0 {
		return needs
	}
	return append(kernelNeeds(), addressNeeds()...)
}

// kernelNeeds tries what the kernel has to be able to do.
func kernelNeeds() []Need {
	var needs []Need
	for _, p := range probes {
		out, err := exec.Command("unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork",
			"sh", "-c", p.script).CombinedOutput()
		if err != nil {
			said := strings.Join(strings.Fields(string(out)), " ")
			needs = append(needs, Need{What: fmt.Sprintf("a kernel is needed that %s: %v: %s", p.what, err, said)})
		}
	}
	if err := cgroupsWork(); err != nil {
		needs = append(needs, Need{What: "cgroups are needed that can be made and removed: " + err.Error()})
	}
	return needs
}

// cgroupsWork makes a cgroup in each hierarchy and removes it.
func cgroupsWork() error {
	hierarchies, err := node.Hierarchies()
	if err == nil && len(hierarchies) == 0 {
		err = errors.New("none are mounted")
	}
	for _, root := range hierarchies {
		dir, made := os.MkdirTemp(root, "outrigger-probe-")
		err = errors.Join(err, made)
		if made == nil {
			err = errors.Join(err, os.Remove(dir))
		}
	}
	return err
}

// addressNeeds looks whether somebody else has the cluster's addresses.
func addressNeeds() []Need {
	route, err := taken()
	if err != nil {
		return []Need{{What: err.Error()}}
	}
	if route != "" {
		return []Need{{What: route + ", whose addresses the cluster uses"}}
	}
	return nil
}

// missingError is what [Start] says where something is missing.
func missingError(needs []Need) error {
	var b strings.Builder
	b.WriteString("this machine cannot run a cluster:")
	for _, n := range needs {
		b.WriteString("\n  " + n.String())
	}
	return errors.New(b.String())
}
