package missing

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

// Pods lists pods.
type Pods interface {
	List(ctx context.Context, opts metav1.ListOptions) (*corev1.PodList, error)
}

// page is how many pods are read at a time, and so what a scan has in memory: some
// megabytes, however many pods there are.
const page = 250

// alive leaves out pods that have ended, on the API server's side.
const alive = "status.phase!=Succeeded,status.phase!=Failed"

// Scan looks at all pods that pods lists, page by page, and gives found each that
// should have a sidecar and has none. It leaves out namespaces that namespace does not
// know. It returns how many it has looked at.
func (j Judge) Scan(
	ctx context.Context, pods Pods, namespace func(name string) (inject.Namespace, bool), found func(*corev1.Pod, Finding),
) (looked int, err error) {
	options := metav1.ListOptions{Limit: page, FieldSelector: alive}
	for {
		list, err := pods.List(ctx, options)
		if err != nil {
			return looked, err
		}
		for i := range list.Items {
			pod := &list.Items[i]
			looked++
			ns, known := namespace(pod.Namespace)
			if !known {
				continue
			}
			if f, missing := j.Look(pod, ns); missing {
				found(pod, f)
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return looked, nil
		}
	}
}
