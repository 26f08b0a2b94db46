package templates

import (
	meshconfig "istio.io/api/mesh/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Data is what a template sees as its dot: field for field Istio's, so that its
// templates work unchanged, the methods of its messages included. A template
// cannot change it; what it points to may be shared by many executions.
type Data struct {
	// TypeMeta is the kind and API version of the workload that owns the pod.
	TypeMeta metav1.TypeMeta
	// DeploymentMeta is that workload's name and namespace.
	DeploymentMeta types.NamespacedName
	// ObjectMeta and Spec are the pod's, without what an earlier injection added.
	ObjectMeta metav1.ObjectMeta
	Spec       corev1.PodSpec
	// ProxyConfig is the one in effect for this pod, MeshConfig the whole mesh's.
	ProxyConfig *meshconfig.ProxyConfig
	MeshConfig  *meshconfig.MeshConfig
	// Values is key "values" of the configuration.
	Values map[string]any
	// Revision is the injector's own; it is stamped on the pod.
	Revision string
	// NativeSidecars says that the nodes run init containers that stay.
	NativeSidecars bool
	// ProxyImage and ProxyInitImage are whole image references.
	ProxyImage     string
	ProxyInitImage string
	// ProxyUID and ProxyGID are the proxy's user and group; 0 means unset, so
	// that {{ .ProxyUID | default "1337" }} works.
	ProxyUID int64
	ProxyGID int64
	// InboundTrafficPolicyMode is "passthrough" or "localhost".
	InboundTrafficPolicyMode string
	// CompliancePolicy is COMPLIANCE_POLICY of the injector, such as "fips-140-3".
	CompliancePolicy string
}
