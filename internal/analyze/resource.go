package analyze

import (
	"context"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/pager"
)

// A resource is one that is read of a cluster.
type resource struct {
	name string
	of   schema.GroupVersionKind
	list func(c kubernetes.Interface, namespace string) pager.ListPageFunc
	// only is a field selector: what it does not select is not read.
	only string
	// unless says which objects are read and left out.
	unless func(Object) bool
}

// alive leaves out pods that have ended.
const alive = "status.phase!=Succeeded,status.phase!=Failed"

// resources are those that are read, in the order of the scene. Services are read by
// their names.
var resources = []resource{
	{name: "namespaces", of: corev1.SchemeGroupVersion.WithKind("Namespace"),
		list: func(c kubernetes.Interface, _ string) pager.ListPageFunc { return paged(c.CoreV1().Namespaces().List) }},
	{name: "deployments", of: appsv1.SchemeGroupVersion.WithKind("Deployment"),
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.AppsV1().Deployments(ns).List)
		}},
	{name: "statefulsets", of: appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.AppsV1().StatefulSets(ns).List)
		}},
	{name: "daemonsets", of: appsv1.SchemeGroupVersion.WithKind("DaemonSet"),
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.AppsV1().DaemonSets(ns).List)
		}},
	{name: "replicasets", of: appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), unless: madeByAnother,
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.AppsV1().ReplicaSets(ns).List)
		}},
	{name: "jobs", of: batchv1.SchemeGroupVersion.WithKind("Job"), unless: madeByAnother,
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc { return paged(c.BatchV1().Jobs(ns).List) }},
	{name: "cronjobs", of: batchv1.SchemeGroupVersion.WithKind("CronJob"),
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.BatchV1().CronJobs(ns).List)
		}},
	{name: "pods", of: corev1.SchemeGroupVersion.WithKind("Pod"), only: alive,
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc { return paged(c.CoreV1().Pods(ns).List) }},
	{name: "horizontalpodautoscalers", of: autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.AutoscalingV2().HorizontalPodAutoscalers(ns).List)
		}},
	{name: "poddisruptionbudgets", of: policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"),
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.PolicyV1().PodDisruptionBudgets(ns).List)
		}},
	{name: "limitranges", of: corev1.SchemeGroupVersion.WithKind("LimitRange"),
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.CoreV1().LimitRanges(ns).List)
		}},
	{name: "resourcequotas", of: corev1.SchemeGroupVersion.WithKind("ResourceQuota"),
		list: func(c kubernetes.Interface, ns string) pager.ListPageFunc {
			return paged(c.CoreV1().ResourceQuotas(ns).List)
		}},
}

// paged is a typed list as the pager calls it.
func paged[L runtime.Object](list func(context.Context, metav1.ListOptions) (L, error)) pager.ListPageFunc {
	return func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return list(ctx, options)
	}
}

// readSlices reads who answers for a Service.
func (g *gathering) readSlices(ctx context.Context, ref admissionv1.ServiceReference, at int) error {
	list, err := g.Client.DiscoveryV1().EndpointSlices(ref.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + ref.Name,
	})
	if err != nil {
		return err
	}
	for i := range list.Items {
		if err := g.keep(&list.Items[i], resource{of: discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice")}, at, nil); err != nil {
			return err
		}
	}
	return nil
}
