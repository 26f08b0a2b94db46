package cluster

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// stateDir is the folder of the node's files, and what is locked so that there is one cluster
// on a machine. cgroup is the pods', below every hierarchy's root; config/kubelet.yaml has it,
// too.
const (
	stateDir = "/var/lib/outrigger-cluster"
	cgroup   = "/outrigger-cluster"
)

// cniPrograms is where Debian keeps the network plugins.
const cniPrograms = "/usr/lib/cni"

var (
	//go:embed config/kubelet.yaml
	kubeletConfig []byte
	//go:embed config/kube-proxy.yaml
	proxyConfig []byte
	//go:embed config/containerd.toml
	runtimeConfig []byte
)

// NodeKubeconfig is the file, as the node sees it, by which the kubelet asks the API server, and
// a plugin may, too: its own node's pods, for one.
const NodeKubeconfig = "/var/lib/kubelet/kubeconfig"

// Plugin is a CNI plugin.
type Plugin struct {
	// Program is the executable; its file name is the plugin's type.
	Program string
	// Config is what the plugin gets besides its type.
	Config map[string]any
}

// writeConfig writes what the node's programs read, below /var/lib in the node.
func (c *Cluster) writeConfig(plugins []Plugin) error {
	list, err := networkConfig(plugins)
	if err != nil {
		return err
	}
	for file, text := range map[string][]byte{
		"kubelet/config.yaml":           kubeletConfig,
		"kubelet/ca.crt":                c.Config().CAData,
		"kube-proxy/config.yaml":        proxyConfig,
		"containerd/config.toml":        runtimeConfig,
		"cni/net.d/10-cluster.conflist": list,
	} {
		if err := writeFile(inNode(file), text); err != nil {
			return err
		}
	}
	for file, user := range map[string][]string{
		"kubelet/kubeconfig":    {"system:node:" + NodeName, "system:nodes"},
		"kube-proxy/kubeconfig": {"system:kube-proxy"},
	} {
		kubeconfig, err := c.UserKubeconfig(user[0], user[1:]...)
		if err != nil {
			return err
		}
		if err := copyFile(kubeconfig, inNode(file), 0o600); err != nil {
			return err
		}
	}
	return installPlugins(plugins)
}

// networkConfig is the configuration of the pods' network: each pod has a link of its own to
// the node, which routes. So the kernel sees every packet between two pods, and what
// kube-proxy says holds for them, too; on a bridge it would not without br_netfilter.
func networkConfig(plugins []Plugin) ([]byte, error) {
	list := []map[string]any{{
		"type": "ptp",
		"ipam": map[string]any{
			"type":   "host-local",
			"ranges": [][]map[string]any{{{"subnet": "10.244.0.0/24"}}},
			"routes": []map[string]any{{"dst": "0.0.0.0/0"}},
		},
	}}
	for _, p := range plugins {
		config := map[string]any{"type": filepath.Base(p.Program)}
		for key, value := range p.Config {
			config[key] = value
		}
		list = append(list, config)
	}
	return json.Marshal(map[string]any{"cniVersion": "0.4.0", "name": "cluster", "plugins": list})
}

// installPlugins puts Debian's plugins and those given where containerd looks for them.
func installPlugins(plugins []Plugin) error {
	bin := inNode("cni/bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"ptp", "host-local", "loopback"} {
		if err := os.Symlink(filepath.Join(cniPrograms, name), filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	for _, p := range plugins {
		if err := copyFile(p.Program, filepath.Join(bin, filepath.Base(p.Program)), 0o755); err != nil {
			return fmt.Errorf("plugin: %w", err)
		}
	}
	return nil
}

// inNode is where a file lies that the node sees below /var/lib.
func inNode(file string) string { return filepath.Join(stateDir, "lib", file) }

func writeFile(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
