package templates

import (
	"strings"

	meshconfig "istio.io/api/mesh/v1alpha1"
	corev1 "k8s.io/api/core/v1"
)

// otelResourceAttributes is the value of OTEL_RESOURCE_ATTRIBUTES by
// OpenTelemetry's conventions for services on Kubernetes, or "" where no
// tracing provider of the mesh asks for them. The first that is there counts:
//
//	attribute            from
//	service.namespace    annotation, namespace
//	service.version      annotation, label app.kubernetes.io/version, the only container's tag and digest
//	service.instance.id  annotation, namespace.pod.container
func (m *meter) otelResourceAttributes(mesh *meshconfig.MeshConfig, annotations, labels map[string]string,
	namespace string, containers []corev1.Container,
) (string, error) {
	if err := m.spend(times(elementWork, len(mesh.GetExtensionProviders())+len(containers))); err != nil {
		return "", err
	}
	if !wantsServiceAttributes(mesh) {
		return "", nil
	}
	containers = applications(containers)
	version, instance := labels["app.kubernetes.io/version"], ""
	if version == "" && len(containers) == 1 {
		version = imageVersion(containers[0].Image)
	}
	if namespace != "" && len(containers) > 0 {
		instance = namespace + ".$(POD_NAME)." + containers[0].Name
	}
	var attributes []string
	add := func(name, otherwise string) {
		value := annotations["resource.opentelemetry.io/"+name]
		if value == "" {
			value = otherwise
		}
		if value != "" {
			attributes = append(attributes, name+"="+value)
		}
	}
	add("service.namespace", namespace)
	add("service.version", version)
	add("service.instance.id", instance)
	joined := strings.Join(attributes, ",")
	return joined, m.spend(len(joined))
}

func wantsServiceAttributes(mesh *meshconfig.MeshConfig) bool {
	const wanted = meshconfig.MeshConfig_ExtensionProvider_OTEL_SEMANTIC_CONVENTIONS
	for _, provider := range mesh.GetExtensionProviders() {
		if provider.GetOpentelemetry().GetServiceAttributeEnrichment() == wanted {
			return true
		}
	}
	return false
}

// imageVersion is an image's tag, its digest, or both as TAG@DIGEST.
func imageVersion(image string) string {
	name, digest, _ := strings.Cut(image, "@")
	_, tag, _ := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	if tag != "" && digest != "" {
		return tag + "@" + digest
	}
	return tag + digest
}
