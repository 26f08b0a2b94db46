package templates

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// proxyContainer is the name of the container that carries the mesh's proxy.
const proxyContainer = "istio-proxy"

// podFunctions are Istio's functions over what pods and mesh configurations hold.
func podFunctions() map[string]function {
	same := func(s string) string { return s }
	return map[string]function{
		"annotation":             func(m *meter) any { return m.annotation },
		"valueOrDefault":         free(valueOrDefault),
		"formatDuration":         free(formatDuration),
		"excludeInboundPort":     metered(excludeInboundPort, plain(0)),
		"includeInboundPorts":    metered(includeInboundPorts),
		"applicationPorts":       metered(applicationPorts),
		"kubevirtInterfaces":     free(same),
		"excludeInterfaces":      free(same),
		"appendMultusNetwork":    metered(appendMultusNetwork),
		"otelResourceAttributes": func(m *meter) any { return m.otelResourceAttributes },
	}
}

// annotation is an annotation's value, "" included, or else a default.
func (m *meter) annotation(meta metav1.ObjectMeta, name string, otherwise any) (string, error) {
	if value, ok := meta.Annotations[name]; ok {
		return value, nil
	}
	if value, ok := otherwise.(string); ok {
		return value, nil
	}
	if err := m.weighText(reflect.ValueOf(otherwise)); err != nil {
		return "", err
	}
	return fmt.Sprint(otherwise), nil
}

// valueOrDefault is a default where the value is null or "". False and 0 are values.
func valueOrDefault(value, otherwise any) any {
	if value == nil || value == "" {
		return otherwise
	}
	return value
}

// formatDuration is a duration as Go writes it: "1m30s".
func formatDuration(d *durationpb.Duration) string { return d.AsDuration().String() }

// excludeInboundPort adds a port to a list unless it is there already, is empty,
// or is 0, which means that nothing listens.
func excludeInboundPort(port any, list string) string {
	added := strings.TrimSpace(fmt.Sprint(port))
	if added == "" || added == "0" {
		return list
	}
	var ports []string
	for present := range strings.SplitSeq(list, ",") {
		if present == added {
			return list
		}
		if present = strings.TrimSpace(present); present != "" {
			ports = append(ports, present)
		}
	}
	return strings.Join(append(ports, added), ",")
}

// includeInboundPorts lists the TCP ports of all containers.
func includeInboundPorts(containers []corev1.Container) string {
	var ports []string
	for _, container := range containers {
		for _, port := range container.Ports {
			if port.Protocol != corev1.ProtocolUDP && port.Protocol != corev1.ProtocolSCTP {
				ports = append(ports, strconv.Itoa(int(port.ContainerPort)))
			}
		}
	}
	return strings.Join(ports, ",")
}

// applicationPorts lists the TCP ports of all containers but the proxy.
func applicationPorts(containers []corev1.Container) string {
	return includeInboundPorts(applications(containers))
}

// applications are the containers that are not the proxy.
func applications(containers []corev1.Container) []corev1.Container {
	var rest []corev1.Container
	for _, container := range containers {
		if container.Name != proxyContainer {
			rest = append(rest, container)
		}
	}
	return rest
}

// appendMultusNetwork adds a network, NAME or NAMESPACE/NAME, to a value of the
// annotation k8s.v1.cni.cncf.io/networks, which is a list by comma or in JSON.
// A list that has it already stays, as does JSON that does not parse: refusing
// it is for Multus.
func appendMultusNetwork(existing, network string) string {
	end := strings.LastIndexByte(existing, ']')
	if end < 0 {
		for present := range strings.SplitSeq(existing, ",") {
			if strings.TrimSpace(present) == network {
				return existing
			}
		}
		if existing == "" {
			return network
		}
		return existing + ", " + network
	}
	type element struct{ Name, Namespace string }
	var added element
	added.Name = network
	if namespace, name, ok := strings.Cut(network, "/"); ok {
		added = element{Name: name, Namespace: namespace}
	}
	var elements []element
	if err := json.Unmarshal([]byte(existing), &elements); err != nil {
		return existing
	}
	for _, present := range elements {
		if present == added {
			return existing
		}
	}
	entry := fmt.Sprintf("{%q: %q}", "name", added.Name)
	if added.Namespace != "" {
		entry = fmt.Sprintf("{%q: %q, %q: %q}", "name", added.Name, "namespace", added.Namespace)
	}
	if len(elements) > 0 {
		entry = ", " + entry
	}
	return existing[:end] + entry + existing[end:]
}
