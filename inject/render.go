package inject

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	meshconfig "istio.io/api/mesh/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"outrigger.dev/outrigger/templates"
	"sigs.k8s.io/yaml"
)

// A rendering is one pod on its way through an injection: what it is rendered
// with, and what has become of it.
type rendering struct {
	in *Injector
	// pod is the pod as templates see it, base the tree that it was read from.
	// Neither is changed.
	pod  *corev1.Pod
	base object
	// lean is what both lack.
	lean leanPod

	owner     Owner
	namespace Namespace
	native    bool
	// proxyConfig is the pod's, laid together from the mesh's and proxyConfigFrom.
	proxyConfig     *meshconfig.ProxyConfig
	proxyConfigFrom []string
	// env are the variables that the cluster, the network and the URL path set
	// on the proxy.
	env map[string]string

	// overlaid is what the templates gave, laid over nothing.
	overlaid object
	// several says that more than one template is laid.
	several bool
	// merged is base with everything laid over it.
	merged object
	// overrides are the user's own containers that a template named.
	overrides overrides
	// placements are what templates say about where their containers stand.
	placements []placement
	// tell is the request's Passed, and trace notes who changed what; nil as a rule.
	tell  func(Phase)
	trace *tracing

	warnings []string
}

func (r *rendering) passed(p Phase) {
	if r.tell != nil {
		r.tell(p)
	}
}

// render executes the templates in order and lays each over the pod.
func (r *rendering) render(names []string) error {
	r.overlaid, r.several = object{}, len(names) > 1
	r.merged, _ = clone(r.base).(object)
	r.trace.start(r.base)
	data := r.data()
	for _, name := range names {
		if len(r.lean.cut) > 0 && r.in.set.SeesVariables(name) {
			return errWhole
		}
		out, err := r.in.set.Execute(name, data)
		if err != nil {
			return err // names the template
		}
		overlay, err := parseOverlay(out)
		if err != nil {
			return fmt.Errorf("template %q: %w", name, err)
		}
		r.passed(Rendered)
		if err := r.lay(overlay); err != nil {
			return fmt.Errorf("template %q: %w", name, err)
		}
		r.passed(Merged)
		r.trace.laid(name, r.merged)
	}
	return nil
}

// parseOverlay reads what a template gave. Nothing at all lays nothing.
func parseOverlay(out string) (object, error) {
	if strings.TrimSpace(out) == "" {
		return object{}, nil
	}
	if o, ok := readBlock(out); ok {
		return o, nil
	}
	raw, err := yaml.YAMLToJSON([]byte(out))
	if err != nil {
		return nil, err
	}
	if string(raw) == "null" {
		return object{}, nil
	}
	return decodeObject(raw)
}

func (r *rendering) lay(overlay object) error {
	if r.lean.named(overlay) {
		return errWhole
	}
	delete(sub(overlay, "metadata"), "managedFields") // the API server's own
	r.notePlaces(overlay)
	if err := r.layOverNothing(overlay); err != nil {
		return err
	}
	if r.native {
		r.moveToInit()
	}
	var err error
	r.merged, err = mergeUsingUp(r.merged, overlay)
	return err
}

// layOverNothing adds an overlay to what the templates gave. What only one gave need
// not be copied: it is changed no more than a pod's fields are, and what counts are
// the names in it.
func (r *rendering) layOverNothing(overlay object) error {
	if !r.several {
		if alone, ok := outline(overlay); ok {
			r.overlaid = alone
			return nil
		}
	}
	var err error
	r.overlaid, err = Merge(r.overlaid, overlay)
	return err
}

// moveToInit puts the user's own proxy container where the template has its:
// among the init containers, where a native sidecar stands.
func (r *rendering) moveToInit() {
	if _, native := find(items(sub(r.overlaid, "spec"), "initContainers"), "name", ProxyContainer); native == nil {
		return
	}
	spec := sub(r.merged, "spec")
	at, own := find(items(spec, "containers"), "name", ProxyContainer)
	if own == nil {
		return
	}
	spec["containers"] = slices.Delete(items(spec, "containers"), at, at+1)
	spec["initContainers"] = append(items(spec, "initContainers"), own)
}

// data is what templates see (SidecarTemplateData in Istio's
// pkg/kube/inject/inject.go).
func (r *rendering) data() *templates.Data {
	data := r.in.fixed()
	data.TypeMeta = metav1.TypeMeta{Kind: r.owner.Kind, APIVersion: r.owner.APIVersion}
	data.DeploymentMeta = types.NamespacedName{Namespace: r.owner.Namespace, Name: r.owner.Name}
	data.ObjectMeta, data.Spec = r.pod.ObjectMeta, r.pod.Spec
	data.ProxyConfig = r.proxyConfig
	data.NativeSidecars = r.native
	data.ProxyImage, data.ProxyInitImage = r.in.images(r.proxyConfig, r.pod.Annotations)
	data.ProxyUID, data.ProxyGID = r.in.proxyIDs(r.namespace)
	return data
}

// fixed is what templates see that is the same for every pod.
func (in *Injector) fixed() *templates.Data {
	return &templates.Data{
		MeshConfig:               in.mesh,
		Values:                   in.values.all,
		Revision:                 in.revision,
		InboundTrafficPolicyMode: in.inboundPolicy(),
		CompliancePolicy:         in.env["COMPLIANCE_POLICY"],
	}
}

// common is what templates see that is the same for most pods.
func (in *Injector) common() *templates.Data {
	data := in.fixed()
	data.ProxyConfig = in.mesh.GetDefaultConfig()
	data.NativeSidecars = in.env["ENABLE_NATIVE_SIDECARS"] != "false"
	data.ProxyImage, data.ProxyInitImage = in.images(data.ProxyConfig, nil)
	data.ProxyUID, data.ProxyGID = in.proxyIDs(Namespace{})
	return data
}

// inboundPolicy is how traffic reaches the application: by the pod's address,
// or, as before Istio 1.10, by loopback.
func (in *Injector) inboundPolicy() string {
	mode := in.mesh.GetInboundTrafficPolicy().GetMode()
	if mode == meshconfig.MeshConfig_InboundTrafficPolicy_LOCALHOST || in.env["PILOT_ENABLE_INBOUND_PASSTHROUGH"] == "false" {
		return "localhost"
	}
	return "passthrough"
}

const (
	networkLabel = "topology.istio.io/network"
	clusterIDEnv = "ISTIO_META_CLUSTER_ID"
	networkEnv   = "ISTIO_META_NETWORK"
)

// network is the network that the pod is in: its label's, the path's, the values'.
func (r *rendering) network(path Path) string {
	for _, network := range []string{r.pod.Labels[networkLabel], path.Network, r.in.values.network} {
		if network != "" {
			return network
		}
	}
	return ""
}

// pathEnv are the variables that are set on the proxy after the templates: the
// cluster and the network where they are known, and what the path says.
func (r *rendering) pathEnv(path Path) map[string]string {
	env := maps.Clone(path.Env)
	if env == nil {
		env = map[string]string{}
	}
	cluster := path.Cluster
	if cluster == "" {
		cluster = r.in.values.clusterName
	}
	if cluster != "" {
		env[clusterIDEnv] = cluster
	}
	if network := r.network(path); network != "" {
		env[networkEnv] = network
	}
	return env
}

// ParsePath reads "/inject/cluster/c1/net/n1/key/value": cluster and net say
// where the pod is, any other key becomes a variable of the proxy, in upper
// case. "--slash--" in a value means "/". Also read is the older form
// "/inject:ENV:key=value:ENV:…". What cannot be used is left out and named in
// warnings. (parseInjectEnvs in Istio's pkg/kube/inject/webhook.go.)
func ParsePath(path string) (p Path, warnings []string) {
	p.Env = map[string]string{}
	if pairs := strings.Split(path, ":ENV:"); len(pairs) > 1 {
		for _, pair := range pairs[1:] {
			key, value, ok := strings.Cut(pair, "=")
			if !ok || key == "" {
				warnings = append(warnings, fmt.Sprintf("path: %q is not key=value", pair))
				continue
			}
			p.set(key, value)
		}
		return p, warnings
	}
	rest, _ := strings.CutPrefix(strings.TrimSuffix(path, "/"), "/inject")
	segments := strings.FieldsFunc(rest, func(r rune) bool { return r == '/' })
	for len(segments) > 1 {
		p.set(segments[0], strings.ReplaceAll(segments[1], "--slash--", "/"))
		segments = segments[2:]
	}
	if len(segments) == 1 {
		warnings = append(warnings, fmt.Sprintf("path: %q has no value", segments[0]))
	}
	return p, warnings
}

func (p *Path) set(key, value string) {
	switch key {
	case "cluster":
		p.Cluster = value
	case "net":
		p.Network = value
	default:
		p.Env[strings.ToUpper(key)] = value
	}
}
