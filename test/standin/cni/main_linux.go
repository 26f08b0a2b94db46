// Command cni is Istio's CNI plugin, played: after the plugins before it have made the network
// of a pod, it sets the rules there that the pod's init container would set if it were allowed
// to. It is test equipment.
//
// Its configuration names a kubeconfig by which it may get the node's pods:
//
//	{"type": "redirect", "kubeconfig": "/var/lib/kubelet/kubeconfig"}
//
// What is redirected it reads from the annotations that the templates write where a plugin
// redirects, and who is the proxy from the pod's container istio-proxy.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
	"github.com/vishvananda/netns"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"outrigger.dev/outrigger/test/standin/redirect"
)

// config is what the plugin is called with.
type config struct {
	types.PluginConf
	// Kubeconfig is a file by which the pod is read.
	Kubeconfig string
}

// podArgs are the names by which a container runtime tells of the pod.
type podArgs struct {
	types.CommonArgs
	K8S_POD_NAME, K8S_POD_NAMESPACE types.UnmarshallableString //nolint:revive // Kubernetes' names
}

func main() {
	done := func(*skel.CmdArgs) error { return nil } // the rules go with the pod's network
	skel.PluginMainFuncs(skel.CNIFuncs{Add: add, Check: done, Del: done}, version.All,
		"redirects a pod's connections to its sidecar, for tests")
}

// patience is how long the API server may take.
const patience = 20 * time.Second

// add sets the rules, if the pod wants any, and passes on what the plugins before have said.
func add(args *skel.CmdArgs) error {
	var c config
	if err := json.Unmarshal(args.StdinData, &c); err != nil {
		return err
	}
	if err := version.ParsePrevResult(&c.PluginConf); err != nil {
		return err
	}
	if c.PrevResult == nil {
		return fmt.Errorf("%s: called first, wanted after a plugin that makes a network", c.Type)
	}
	before, err := current.NewResultFromResult(c.PrevResult)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pod, err := c.pod(ctx, args.Args)
	if err != nil {
		return err
	}
	if err := apply(args.Netns, pod); err != nil {
		return fmt.Errorf("pod %q: %w", pod.Namespace+"/"+pod.Name, err)
	}
	return types.PrintResult(before, c.CNIVersion)
}

// pod reads the pod that is to get a network.
func (c config) pod(ctx context.Context, args string) (*corev1.Pod, error) {
	var names podArgs
	names.IgnoreUnknown = true
	if err := types.LoadArgs(args, &names); err != nil {
		return nil, err
	}
	to, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	// No typed client: it would make the plugin ten times as slow to build.
	client, err := rest.HTTPClientFor(to)
	if err != nil {
		return nil, err
	}
	return get(ctx, client, to.Host+"/api/v1/namespaces/"+string(names.K8S_POD_NAMESPACE)+"/pods/"+string(names.K8S_POD_NAME))
}

// get reads a pod from its URL.
func get(ctx context.Context, client *http.Client, url string) (*corev1.Pod, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: status %d: %s", url, response.StatusCode, text)
	}
	var pod corev1.Pod
	return &pod, json.Unmarshal(text, &pod)
}

// apply sets the rules in a network namespace.
func apply(path string, pod *corev1.Pod) error {
	arguments, wanted := arguments(pod)
	if !wanted {
		return nil
	}
	command, err := redirect.Parse(arguments, func(string) string { return "" }, io.Discard)
	if err != nil {
		return err
	}
	space, err := netns.GetFromPath(path)
	if err != nil {
		return err
	}
	defer space.Close()
	return redirect.Apply(space, redirect.Rules(command.Options))
}
