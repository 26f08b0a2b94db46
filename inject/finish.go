package inject

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// finish does, after the templates, what no template can, in this order
// (postProcessPod in Istio's pkg/kube/inject/webhook.go): cluster and network
// on the proxy, prometheus annotations, probes, the pod's own metadata, the
// containers' order.
func (r *rendering) finish(path Path) error {
	r.env = r.pathEnv(path)
	if proxy := proxyOf(r.merged); proxy != nil {
		for _, name := range slices.Sorted(maps.Keys(r.env)) {
			setEnv(proxy, name, r.env[name])
		}
	}
	r.trace.note(byPath, r.merged)
	if err := r.mergePrometheus(); err != nil {
		return err
	}
	r.securePrometheus()
	r.trace.note(byPrometheus, r.merged)
	if err := r.rewriteProbes(); err != nil {
		return err
	}
	r.trace.note(byProbes, r.merged)
	if err := r.metadata(path); err != nil {
		return err
	}
	r.trace.note(byMetadata, r.merged)
	r.reorder()
	return r.place()
}

// metadata writes what the injector itself puts on a pod.
func (r *rendering) metadata(path Path) error {
	if network := r.network(path); network != "" {
		ensure(ensure(r.merged, "metadata"), "labels")[networkLabel] = network
	}
	raw, err := json.Marshal(r.status())
	if err != nil {
		return err
	}
	annotate(r.merged, StatusAnnotation, string(raw))
	for _, key := range slices.Sorted(maps.Keys(r.in.config.InjectedAnnotations)) {
		annotate(r.merged, key, r.in.config.InjectedAnnotations[key])
	}
	return nil
}

// status is annotation sidecar.istio.io/status, which Istio's tools read: the
// names of everything that the templates gave (SidecarInjectionStatus in
// Istio's pkg/kube/inject/inject.go).
type status struct {
	InitContainers   []string `json:"initContainers"`
	Containers       []string `json:"containers"`
	Volumes          []string `json:"volumes"`
	ImagePullSecrets []string `json:"imagePullSecrets"`
	Revision         string   `json:"revision"`
}

func (r *rendering) status() status {
	spec := sub(r.overlaid, "spec")
	return status{
		InitContainers:   names(items(spec, "initContainers")),
		Containers:       names(items(spec, "containers")),
		Volumes:          names(items(spec, "volumes")),
		ImagePullSecrets: names(items(spec, "imagePullSecrets")),
		Revision:         r.in.revision,
	}
}

// names is nil, and null in JSON, for an empty list.
func names(list []any) []string {
	var out []string
	for _, item := range list {
		out = append(out, identity(item, "name"))
	}
	return out
}

const coreDumpContainer = "enable-core-dump"

// movers are the containers that reorder moves.
var movers = []string{initContainer, validationContainer, ProxyContainer, coreDumpContainer}

// reorder puts the proxy and its helpers where they have to start
// (reorderPod in Istio's pkg/kube/inject/webhook.go):
//
//	the proxy is               init containers                       containers
//	a native sidecar           init, validation, proxy, the others   unchanged
//	a container                validation, the others, init          the proxy last; first where
//	                                                                 the application waits for it
//
// A template may have both; then both rows hold.
func (r *rendering) reorder() {
	spec := sub(r.merged, "spec")
	if r.holds() {
		toFront(spec, "containers", ProxyContainer)
	} else {
		toBack(spec, "containers", ProxyContainer)
	}
	if at, _ := find(items(spec, "initContainers"), "name", ProxyContainer); at >= 0 {
		toFront(spec, "initContainers", initContainer, validationContainer, ProxyContainer, coreDumpContainer)
		return
	}
	toFront(spec, "initContainers", validationContainer)
	toBack(spec, "initContainers", initContainer, coreDumpContainer)
}

// holds says whether the application starts only after the proxy is ready.
func (r *rendering) holds() bool {
	return r.in.values.hold || r.proxyConfig.GetHoldApplicationUntilProxyStarts().GetValue()
}

// toFront puts the named elements of a list first, in that order.
func toFront(spec object, list string, order ...string) {
	chosen, rest := split(items(spec, list), order)
	if len(chosen) > 0 {
		spec[list] = append(chosen, rest...)
	}
}

// toBack puts the named elements of a list last, in that order.
func toBack(spec object, list string, order ...string) {
	chosen, rest := split(items(spec, list), order)
	if len(chosen) > 0 {
		spec[list] = append(rest, chosen...)
	}
}

func split(list []any, order []string) (chosen, rest []any) {
	for _, name := range order {
		if at, _ := find(list, "name", name); at >= 0 {
			chosen = append(chosen, list[at])
		}
	}
	for _, item := range list {
		if !slices.Contains(order, identity(item, "name")) {
			rest = append(rest, item)
		}
	}
	return chosen, rest
}

// statusPort is where the agent answers for the pod, a number as JSON has it: the
// annotation's, the mesh's.
func (r *rendering) statusPort() string {
	port, _ := annotation(r.merged, statusPortAnnotation)
	if n, err := strconv.ParseUint(trim(port), 10, 16); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return fmt.Sprint(r.in.mesh.GetDefaultConfig().GetStatusPort())
}
