package inject

import (
	"encoding/json"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	statusPortAnnotation    = "status.sidecar.istio.io/port"
	rewriteProbesAnnotation = "sidecar.istio.io/rewriteAppHTTPProbers"
	probersEnv              = "ISTIO_KUBE_APP_PROBERS"
)

// appProbes are the fields of a container that hold a probe or a handler, and
// the path under which the agent answers for each.
var appProbes = []struct {
	field     string
	path      string
	lifecycle bool
}{
	{"readinessProbe", "/app-health/%s/readyz", false},
	{"livenessProbe", "/app-health/%s/livez", false},
	{"startupProbe", "/app-health/%s/startupz", false},
	{"preStop", "/app-lifecycle/%s/prestopz", true},
	{"postStart", "/app-lifecycle/%s/poststartz", true},
}

// A prober is what the agent does when the kubelet asks on a path
// (ISTIO_KUBE_APP_PROBERS, KubeAppProbers in Istio's pkg/kube/inject/app_probe.go).
type prober struct {
	HTTPGet        *corev1.HTTPGetAction   `json:"httpGet,omitempty"`
	TCPSocket      *corev1.TCPSocketAction `json:"tcpSocket,omitempty"`
	GRPC           *corev1.GRPCAction      `json:"grpc,omitempty"`
	TimeoutSeconds int32                   `json:"timeoutSeconds,omitempty"`
}

// rewriteProbes points the kubelet's checks at the agent, which makes them from
// inside the pod, where mutual TLS does not stand in their way:
//
//	was        becomes                              the agent does
//	httpGet    httpGet, path and port the agent's,  what it was
//	           HTTPS becomes HTTP
//	tcpSocket  httpGet on the agent's path          what it was
//	grpc       httpGet on the agent's path          what it was
//	exec       unchanged: it does not use the network
func (r *rendering) rewriteProbes() error {
	proxy := proxyOf(r.merged)
	if proxy == nil || !r.rewritesProbes() {
		return nil
	}
	port := r.statusPort()
	if port == "0" || port == "" {
		return nil // no agent answers
	}
	probers := map[string]prober{}
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range objects(items(sub(r.merged, "spec"), list)) {
			if text(c, "name") == ProxyContainer {
				continue
			}
			if err := r.rewriteContainer(c, port, probers); err != nil {
				return err
			}
		}
	}
	if len(probers) == 0 {
		return nil
	}
	raw, err := json.Marshal(probers)
	if err != nil {
		return err
	}
	setEnv(proxy, probersEnv, string(raw))
	return nil
}

func (r *rendering) rewritesProbes() bool {
	if yes, ok := parseBool(r.merged, rewriteProbesAnnotation); ok {
		return yes
	}
	return r.in.values.rewriteProbes
}

func (r *rendering) rewriteContainer(c object, port string, probers map[string]prober) error {
	for _, p := range appProbes {
		holder := c
		if p.lifecycle {
			holder = sub(c, "lifecycle")
		}
		probe := sub(holder, p.field)
		if probe == nil {
			continue
		}
		was, err := r.proberOf(c, probe, p.field)
		if err != nil {
			return err
		}
		if was == nil {
			continue
		}
		if p.lifecycle {
			was.TimeoutSeconds = 0
		}
		path := fmt.Sprintf(p.path, text(c, "name"))
		probers[path] = *was
		pointAt(probe, path, port)
	}
	return nil
}

// proberOf is what a probe asks for; nil where it is none that is rewritten.
func (r *rendering) proberOf(c, probe object, field string) (*prober, error) {
	raw, err := encode(probe)
	if err != nil {
		return nil, err
	}
	var p prober
	if err := decodeTyped(raw, &p); err != nil {
		return nil, denied(BadAnnotation, "container %q: %s: %v", text(c, "name"), field, err)
	}
	switch {
	case p.HTTPGet != nil:
		return r.resolved(c, field, &p, &p.HTTPGet.Port)
	case p.TCPSocket != nil:
		return r.resolved(c, field, &p, &p.TCPSocket.Port)
	case p.GRPC != nil:
		return &p, nil
	}
	return nil, nil
}

// resolved has the port as the agent needs it, a number: it does not know the
// container's names for its ports. A probe that asks the agent already, and one
// whose port no container port bears, are left as they are; Istio rewrites the
// latter to a path that the agent does not know, and the pod is never ready.
func (r *rendering) resolved(c object, field string, p *prober, port *intstr.IntOrString) (*prober, error) {
	if port.Type == intstr.String {
		number, ok := namedPort(c, port.StrVal)
		if !ok {
			r.warn("container %q: %s names port %q, which the container does not declare: not rewritten",
				text(c, "name"), field, port.StrVal)
			return nil, nil
		}
		*port = intstr.FromInt32(number)
	}
	if port.IntVal == r.in.mesh.GetDefaultConfig().GetStatusPort() {
		return nil, nil
	}
	return p, nil
}

func namedPort(c object, name string) (int32, bool) {
	_, declared := find(items(c, "ports"), "name", name)
	if declared == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(scalar(declared["containerPort"]), 10, 32)
	return int32(n), err == nil
}

// pointAt makes a probe ask the agent. Of an httpGet everything else stays:
// headers, and what our types do not know.
func pointAt(probe object, path, port string) {
	get := sub(probe, "httpGet")
	if get == nil {
		get = object{}
		probe["httpGet"] = get
	}
	delete(probe, "tcpSocket")
	delete(probe, "grpc")
	get["path"], get["port"] = path, json.Number(port)
	if text(get, "scheme") == string(corev1.URISchemeHTTPS) {
		get["scheme"] = string(corev1.URISchemeHTTP)
	}
}
