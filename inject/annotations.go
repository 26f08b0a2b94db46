package inject

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"net/netip"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const proxyConfigAnnotation = "proxy.istio.io/config"

// checks are the annotations whose values are looked at before anything is
// rendered, each with its check (AnnotationValidation in Istio's
// pkg/kube/inject/validate.go). A bad value refuses the pod: what the proxy
// would do with it is not what its author wants.
var checks = map[string]func(string) error{
	"sidecar.istio.io/interceptionMode":                     oneOf("REDIRECT", "TPROXY", "NONE"),
	"sidecar.istio.io/proxyCPU":                             quantity,
	"sidecar.istio.io/proxyCPULimit":                        quantity,
	"sidecar.istio.io/proxyMemory":                          quantity,
	"sidecar.istio.io/proxyMemoryLimit":                     quantity,
	"traffic.sidecar.istio.io/includeOutboundIPRanges":      wildcardOr(ipRanges),
	"traffic.sidecar.istio.io/excludeOutboundIPRanges":      ipRanges,
	"traffic.sidecar.istio.io/includeInboundPorts":          wildcardOr(ports),
	"traffic.sidecar.istio.io/excludeInboundPorts":          ports,
	"traffic.sidecar.istio.io/excludeOutboundPorts":         ports,
	"traffic.sidecar.istio.io/excludeInterfaces":            interfaces,
	"traffic.sidecar.istio.io/kubevirtInterfaces":           interfaces,
	"istio.io/reroute-virtual-interfaces":                   interfaces,
	"status.sidecar.istio.io/port":                          port,
	"readiness.status.sidecar.istio.io/initialDelaySeconds": seconds,
	"readiness.status.sidecar.istio.io/periodSeconds":       seconds,
	"readiness.status.sidecar.istio.io/failureThreshold":    seconds,
}

// pasted are the annotations whose values templates paste between quotes, and
// that have no form of their own to be checked by.
var pasted = []string{
	"sidecar.istio.io/proxyImage",
	"sidecar.istio.io/proxyImageType",
	"sidecar.istio.io/logLevel",
	"sidecar.istio.io/componentLogLevel",
	"sidecar.istio.io/agentLogLevel",
	"sidecar.istio.io/bootstrapOverride",
	"sidecar.istio.io/capNetBindService",
	"traffic.sidecar.istio.io/includeOutboundPorts",
	"kubectl.kubernetes.io/default-container",
	"kubectl.kubernetes.io/default-logs-container",
	"resource.opentelemetry.io/service.namespace",
	"resource.opentelemetry.io/service.version",
	"resource.opentelemetry.io/service.instance.id",
}

// checkAnnotations refuses a pod with a value that would make the proxy do
// something else than its author wants, or that would end the quotes it is
// pasted between. All that is wrong is said at once.
func (r *rendering) checkAnnotations() error {
	var wrong []string
	for _, key := range sortedStrings(r.pod.Annotations) {
		value := r.pod.Annotations[key]
		if err := checkAnnotation(key, value); err != nil {
			wrong = append(wrong, fmt.Sprintf("annotation %s: %v", key, err))
		}
	}
	config, err := r.effectiveProxyConfig()
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	r.proxyConfig = config
	if len(wrong) > 0 {
		return denied(BadAnnotation, "%s", strings.Join(wrong, "; "))
	}
	return nil
}

func checkAnnotation(key, value string) error {
	if check, ok := checks[key]; ok {
		return check(value)
	}
	if !slices.Contains(pasted, key) {
		return nil
	}
	return plain(value)
}

// effectiveProxyConfig is the mesh's ProxyConfig with the pod's annotation laid
// over it.
func (r *rendering) effectiveProxyConfig() (*meshconfig.ProxyConfig, error) {
	base := r.in.mesh.GetDefaultConfig()
	doc, ok := r.pod.Annotations[proxyConfigAnnotation]
	if !ok {
		return base, nil
	}
	config, err := parseProxyConfig(base, doc)
	if err != nil {
		return nil, fmt.Errorf("annotation %s: %w", proxyConfigAnnotation, err)
	}
	return config, nil
}

// readAnnotations warns of what is written on the pod and has no effect.
func (r *rendering) readAnnotations() {
	label, hasLabel := r.pod.Labels[InjectKey]
	value, hasAnnotation := r.pod.Annotations[InjectKey]
	if hasLabel {
		r.warnUnlessBool("label", label)
	} else if hasAnnotation {
		r.warnUnlessBool("annotation", value)
	}
	native, ok := r.pod.Annotations[nativeAnnotation]
	if ok && native != "true" && native != "false" {
		r.warn("annotation %s: %q is ignored, wanted true or false", nativeAnnotation, short(native))
	}
}

func (r *rendering) warnUnlessBool(what, value string) {
	if value != "true" && value != "false" && value != "" {
		r.warn("%s %s: %q is ignored, wanted true or false", what, InjectKey, short(value))
	}
}

// short cuts a value that goes into a sentence.
func short(value string) string {
	const most = 40
	if len(value) <= most {
		return value
	}
	return value[:most] + "…"
}

func oneOf(values ...string) func(string) error {
	return func(value string) error {
		if !slices.Contains(values, value) {
			return fmt.Errorf("%q is unknown, wanted %s", short(value), strings.Join(values, ", "))
		}
		return nil
	}
}

func wildcardOr(check func(string) error) func(string) error {
	return func(value string) error {
		if value == "*" {
			return nil
		}
		return check(value)
	}
}

// each checks the entries of a list by comma; an empty list has none.
func each(value string, check func(string) error) error {
	if value == "" {
		return nil
	}
	for entry := range strings.SplitSeq(value, ",") {
		if err := check(entry); err != nil {
			return err
		}
	}
	return nil
}

func ipRanges(value string) error {
	return each(value, func(entry string) error {
		if _, err := netip.ParsePrefix(entry); err != nil {
			return fmt.Errorf("%q is no CIDR, wanted one like 10.0.0.0/8", short(entry))
		}
		return nil
	})
}

func ports(value string) error {
	return each(value, func(entry string) error { return port(entry) })
}

func port(value string) error {
	if _, err := strconv.ParseUint(trim(value), 10, 16); err != nil {
		return fmt.Errorf("%q is no port, wanted 0 to 65535", short(value))
	}
	return nil
}

func seconds(value string) error {
	if _, err := strconv.ParseUint(value, 10, 32); err != nil {
		return fmt.Errorf("%q is no number, wanted 0 or more", short(value))
	}
	return nil
}

func quantity(value string) error {
	if _, err := resource.ParseQuantity(value); err != nil {
		return fmt.Errorf("%q is no quantity, wanted one like 100m or 128Mi", short(value))
	}
	return nil
}

// interfaceName is what Linux takes for one.
var interfaceName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_.\-]{0,14}$`)

func interfaces(value string) error {
	return each(value, func(entry string) error {
		if !interfaceName.MatchString(entry) {
			return fmt.Errorf("%q is no interface, wanted a name of at most 15 characters", short(entry))
		}
		return nil
	})
}

// plain refuses what would end a quoted YAML string, or start another line.
func plain(value string) error {
	if at := strings.IndexFunc(value, func(c rune) bool { return c == '"' || c == '\'' || c == '\\' || c < ' ' || c == 0x7f }); at >= 0 {
		return fmt.Errorf("%q has a quote, a backslash or a control character, wanted none", short(value))
	}
	return nil
}

func trim(value string) string { return strings.TrimSpace(value) }

func sortedStrings(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
