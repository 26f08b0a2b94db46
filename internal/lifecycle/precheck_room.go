package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"outrigger.dev/outrigger/inject"
)

// checkRoom injects a small pod as the configuration to be installed would, for every
// namespace that asks for it, and finds what Pod Security or a quota refuses there. With
// an istiod's configuration, which is not in the chart, there is nothing to look at.
func (c *Cluster) checkRoom(ctx context.Context, p *Plan) (all []Finding, err error) {
	injector, err := p.injector()
	if injector == nil || err != nil {
		return nil, err
	}
	list, err := c.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: labels.SelectorFromSet(p.asked()).String()})
	if p.Revision == DefaultRevision {
		list, err = c.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: "istio-injection=enabled"})
	}
	if err != nil {
		return nil, err
	}
	for _, ns := range list.Items {
		result, err := injector.Inject(inject.Request{
			Pod: []byte(smallPod), Native: inject.Native{Supported: true, Why: "for a precheck"}.Everywhere,
			Namespace: inject.Namespace{Name: ns.Name, Labels: ns.Labels, Annotations: ns.Annotations},
		})
		if err != nil {
			return nil, fmt.Errorf("namespace %s: %w", ns.Name, err)
		}
		for _, warning := range result.Warnings {
			if strings.Contains(warning, "Pod Security") {
				all = append(all, Finding{Warning, "pod-security", "Namespace " + ns.Name, warning, "--set pilot.cni.enabled=true, with Istio's CNI plugin on the nodes"})
			}
		}
		found, err := c.checkQuota(ctx, ns.Name, result)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// smallPod says nothing of what it needs, so that all it needs when it is injected is the
// sidecar's.
const smallPod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"small"},"spec":{"containers":[{"name":"small","image":"small"}]}}`

// injector is one of the configuration among the objects, nil where there is none.
func (p *Plan) injector() (*inject.Injector, error) {
	for _, m := range p.Objects {
		data, found, _ := unstructured.NestedStringMap(m.Object.Object, "data")
		if m.Object.GetKind() != "ConfigMap" || !found || data["config"] == "" {
			continue
		}
		injector, err := inject.New(inject.Sources{
			Config: []byte(data["config"]), Values: []byte(data["values"]), Mesh: []byte(data["mesh"]),
		}, inject.Settings{Revision: p.Revision})
		if err != nil {
			return nil, fmt.Errorf("values: the server would refuse this configuration: %w", err)
		}
		return injector, nil
	}
	return nil, nil
}

// checkQuota finds quotas in a namespace with no room for the sidecars of the pods that
// are there without one, or of a single pod.
func (c *Cluster) checkQuota(ctx context.Context, namespace string, result inject.Result) (all []Finding, err error) {
	quotas, err := c.client.CoreV1().ResourceQuotas(namespace).List(ctx, metav1.ListOptions{})
	if err != nil || len(quotas.Items) == 0 {
		return nil, err
	}
	needs, err := sidecarNeeds(result)
	if err != nil {
		return nil, err
	}
	there, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	bare := max(1, len(slices.DeleteFunc(there.Items, func(p corev1.Pod) bool {
		return p.Annotations["outrigger.dev/injection"] != "" || p.Annotations["sidecar.istio.io/status"] != ""
	})))
	for _, quota := range quotas.Items {
		for name, need := range needs {
			hard, limited := quota.Status.Hard[name]
			if !limited {
				continue
			}
			room := hard.DeepCopy()
			room.Sub(quota.Status.Used[name])
			need.Mul(int64(bare))
			if need.Cmp(room) > 0 {
				all = append(all, Finding{Warning, "quota", fmt.Sprintf("ResourceQuota %s/%s", namespace, quota.Name),
					fmt.Sprintf("%s: the sidecars of %s need %s, and %s is left", name, pods(bare), need.String(), room.String()), ""})
			}
		}
	}
	slices.SortFunc(all, func(a, b Finding) int { return strings.Compare(a.About+a.What, b.About+b.What) })
	return all, nil
}

// pods is a number of them.
func pods(n int) string {
	if n == 1 {
		return "one pod"
	}
	return fmt.Sprintf("%d pods", n)
}

// sidecarNeeds is what an injection of smallPod adds, by the names that quotas have. An
// init container that ends counts only as far as it needs more than what runs then.
func sidecarNeeds(result inject.Result) (map[corev1.ResourceName]resource.Quantity, error) {
	raw, err := inject.Apply([]byte(smallPod), result.Patch)
	if err != nil {
		return nil, err
	}
	var pod corev1.Pod
	if err := json.Unmarshal(raw, &pod); err != nil {
		return nil, err
	}
	needs := map[corev1.ResourceName]resource.Quantity{}
	add := func(prefix string, list corev1.ResourceList) {
		for name, quantity := range list {
			names := []corev1.ResourceName{corev1.ResourceName(prefix + string(name))}
			if prefix == "requests." {
				names = append(names, name)
			}
			for _, n := range names {
				sum := needs[n]
				sum.Add(quantity)
				needs[n] = sum
			}
		}
	}
	for _, container := range append(slices.Clone(pod.Spec.Containers), pod.Spec.InitContainers...) {
		restarts := container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
		if slices.ContainsFunc(pod.Spec.InitContainers, func(i corev1.Container) bool { return i.Name == container.Name }) && !restarts {
			continue
		}
		add("requests.", container.Resources.Requests)
		add("limits.", container.Resources.Limits)
	}
	return needs, nil
}
