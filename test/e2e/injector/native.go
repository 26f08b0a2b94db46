package injector

import (
	"k8s.io/apimachinery/pkg/util/version"

	"outrigger.dev/outrigger/test/controlplane"
)

// NativeUnasked says whether the pods of a cluster get native sidecars without anybody
// asking for them: whether its nodes, whose kubelets say that they are of the API server's
// version, are of Kubernetes 1.33 or newer.
func NativeUnasked(cluster *controlplane.ControlPlane) (bool, error) {
	server, err := cluster.Client().Discovery().ServerVersion()
	if err != nil {
		return false, err
	}
	v, err := version.ParseSemantic(server.GitVersion)
	if err != nil {
		return false, err
	}
	return v.AtLeast(version.MajorMinor(1, 33)), nil
}
