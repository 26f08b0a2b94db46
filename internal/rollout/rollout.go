// Package rollout has the pods of workloads made anew, as "kubectl rollout restart" does:
// one workload at a time, when disruption budgets allow it, and only where the API server
// has shown by a dry run that the new pods have what they are to have.
package rollout

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// A Target is a workload.
type Target struct{ APIVersion, Kind, Namespace, Name string }

// String is "Kind namespace/name".
func (t Target) String() string { return t.Kind + " " + t.Namespace + "/" + t.Name }

// kubectl is a command line of kubectl's about it.
func (t Target) kubectl(verb string) string {
	return fmt.Sprintf("kubectl %s %s %s -n %s", verb, strings.ToLower(t.Kind), t.Name, t.Namespace)
}

// A workload is a target as it is in the cluster.
type workload struct {
	object   runtime.Object
	uid      types.UID
	template corev1.PodTemplateSpec
	// claims are the volumes that a StatefulSet adds to its template.
	claims []corev1.PersistentVolumeClaim
	// down is how many pods its rollout takes at a time before there are new ones.
	down int
	// leave is why it cannot be restarted, and cure what to do; "" as a rule.
	leave, cure string
}

// others say of targets that no rollout makes anew what to do.
var others = map[string]struct{ leave, cure string }{
	"v1/Pod":                   {"nothing makes it anew", "delete it, and create it again"},
	"batch/v1/Job":             {"it runs to its end", "delete it, and create it again, unless it may end as it is"},
	"batch/v1/CronJob":         {"nothing of it runs for long", "its next run is as a new pod"},
	"apps/v1/ReplicaSet":       {"nothing but a Deployment has one rolled", "delete its pods, one after the other: it makes new ones"},
	"v1/ReplicationController": {"nothing has one rolled", "delete its pods, one after the other: it makes new ones"},
}

// read reads a target; one that is none of the kinds that roll is one to leave.
func (r *Restarter) read(ctx context.Context, t Target) (*workload, error) {
	apps, kind := r.Client.AppsV1(), t.APIVersion+"/"+t.Kind
	switch kind {
	case "apps/v1/Deployment":
		d, err := apps.Deployments(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return deployment(d), nil
	case "apps/v1/StatefulSet":
		s, err := apps.StatefulSets(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return statefulSet(s), nil
	case "apps/v1/DaemonSet":
		d, err := apps.DaemonSets(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return daemonSet(d), nil
	}
	if known, ok := others[kind]; ok {
		return &workload{leave: known.leave, cure: known.cure}, nil
	}
	return &workload{leave: "its controller is none of Kubernetes' own", cure: "restart it as that has it"}, nil
}

func deployment(d *appsv1.Deployment) *workload {
	w := &workload{object: d, uid: d.UID, template: d.Spec.Template, down: 1}
	d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	replicas := countOf(d.Spec.Replicas)
	switch rolling := d.Spec.Strategy.RollingUpdate; {
	case d.Spec.Paused:
		w.leave, w.cure = "it is paused", fmt.Sprintf("kubectl rollout resume deployment %s -n %s, and restart it then", d.Name, d.Namespace)
	case d.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType:
		w.down = replicas
	case rolling != nil:
		w.down = share(rolling.MaxUnavailable, replicas, false)
	}
	return w
}

func statefulSet(s *appsv1.StatefulSet) *workload {
	w := &workload{object: s, uid: s.UID, template: s.Spec.Template, claims: s.Spec.VolumeClaimTemplates, down: 1}
	s.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("StatefulSet"))
	switch rolling := s.Spec.UpdateStrategy.RollingUpdate; {
	case s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType:
		w.leave, w.cure = onDelete(s.Namespace, s.Spec.Selector)
	case rolling != nil && rolling.Partition != nil && *rolling.Partition > 0:
		w.leave = fmt.Sprintf("its partition keeps pods with an ordinal below %d as they are", *rolling.Partition)
		w.cure = fmt.Sprintf(`kubectl patch statefulset %s -n %s -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}'`, s.Name, s.Namespace)
	case rolling != nil:
		w.down = share(rolling.MaxUnavailable, countOf(s.Spec.Replicas), true)
	}
	return w
}

func daemonSet(d *appsv1.DaemonSet) *workload {
	w := &workload{object: d, uid: d.UID, template: d.Spec.Template, down: 1}
	d.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("DaemonSet"))
	switch rolling := d.Spec.UpdateStrategy.RollingUpdate; {
	case d.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType:
		w.leave, w.cure = onDelete(d.Namespace, d.Spec.Selector)
	case rolling != nil:
		w.down = share(rolling.MaxUnavailable, int(d.Status.DesiredNumberScheduled), true)
	}
	return w
}

// onDelete is what to say of a workload whose pods only somebody's hand replaces: another
// template changes none of them, and a pod that is deleted comes back with today's sidecar.
func onDelete(namespace string, pods *metav1.LabelSelector) (leave, cure string) {
	return "its update strategy is OnDelete, so that a restart would replace none of its pods",
		fmt.Sprintf("delete them, each when the one before is ready again: kubectl get pods -n %s -l '%s'", namespace, metav1.FormatLabelSelector(pods))
}

func countOf(replicas *int32) int {
	if replicas == nil {
		return 1
	}
	return int(*replicas)
}

// share is how many of so many pods are meant, one at least: a rollout that takes none
// before there are new ones still is one more thing that happens to them.
func share(of *intstr.IntOrString, pods int, roundUp bool) int {
	if of == nil {
		return 1
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(of, pods, roundUp)
	if err != nil {
		return 1 // which the API server does not store
	}
	return max(n, 1)
}

// next is a pod that the workload would make, as its controller would send it.
func (w *workload) next(t Target) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: *w.template.ObjectMeta.DeepCopy(), Spec: *w.template.Spec.DeepCopy()}
	pod.Namespace, pod.Name, pod.GenerateName = t.Namespace, "", t.Name+"-"
	owner := metav1.OwnerReference{APIVersion: t.APIVersion, Kind: t.Kind, Name: t.Name, UID: w.uid, Controller: new(true)}
	if t.Kind == "Deployment" {
		const hash = "outrigger"
		owner.Kind, owner.Name = "ReplicaSet", t.Name+"-"+hash
		pod.Labels = withLabel(pod.Labels, appsv1.DefaultDeploymentUniqueLabelKey, hash)
		pod.GenerateName = owner.Name + "-"
	}
	pod.OwnerReferences = []metav1.OwnerReference{owner}
	for _, claim := range w.claims {
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == claim.Name })
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name + "-" + t.Name + "-0"},
		}})
	}
	return pod
}

func withLabel(labels map[string]string, key, value string) map[string]string {
	if labels == nil {
		labels = map[string]string{}
	}
	labels[key] = value
	return labels
}

// asTree is an object as kstatus reads it.
func asTree(o runtime.Object) (*unstructured.Unstructured, error) {
	tree, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	return &unstructured.Unstructured{Object: tree}, err
}
