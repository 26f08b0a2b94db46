package analyze_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/analyze"
	"outrigger.dev/outrigger/internal/dryrun"
)

// podOf is a pod as it runs: with all that nodes and the API server wrote on it.
func podOf(set string, n int) *corev1.Pod {
	suffix := fmt.Sprintf("%s-%05d", set, n)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: suffix, GenerateName: set + "-", UID: types.UID(suffix), ResourceVersion: fmt.Sprint(n),
			CreationTimestamp: metav1.NewTime(time.Unix(int64(n), 0)), Labels: map[string]string{"pod-template-hash": "6d5f8c7b9"},
			Annotations:     map[string]string{"cni.projectcalico.org/podIP": fmt.Sprintf("10.0.0.%d/32", n)},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: set, UID: "1", Controller: new(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: fmt.Sprint("kubelet-", n)}},
		},
		Spec: corev1.PodSpec{
			NodeName: fmt.Sprint("node-", n), Containers: []corev1.Container{{Name: "app", Image: "example.com/app:1"}},
			Volumes: []corev1.Volume{{Name: "kube-api-access-bcdf" + "2456"[n:n+1]}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.0.0.%d", n)},
	}
}

// clusterOf is a client for a cluster with these objects, and the chart's webhooks.
func clusterOf(t *testing.T, objects ...runtime.Object) *fake.Clientset {
	t.Helper()
	webhooks, err := dryrun.ChartWebhooks("default")
	if err != nil {
		t.Fatal(err)
	}
	webhooks = working(webhooks)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"istio-injection": "enabled"}}}
	return fake.NewClientset(append(objects, &webhooks, namespace)...)
}

// Pods that a webhook could not tell apart when they were created share what is kept of
// them, and what is decided about them.
func TestGatherSharesWhatPodsOfAWorkloadHave(t *testing.T) {
	var objects []runtime.Object
	for n := range 4 {
		objects = append(objects, podOf("web-6d5f8c7b9", n), podOf("till-6d5f8c7b9", n))
	}
	scene, err := analyze.Cluster{Client: clusterOf(t, objects...)}.Gather(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	scene.Injectors = []*inject.Injector{standard()}
	scene.Native = inject.Native{Supported: true}.Everywhere
	pods, err := scene.Pods(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verdicts, names := map[*analyze.Verdict]string{}, map[string]string{}
	for _, p := range pods {
		if owner, ok := verdicts[p.Verdict]; ok && owner != p.Owner().String() {
			t.Errorf("%s shares with %s", p.Subject, owner)
		}
		verdicts[p.Verdict] = p.Owner().String()
		names[p.Name] = p.Owner().Name
		if !p.Injected() || inject.Injected(p.Before) {
			t.Errorf("%s: a new one would be injected: %t (%s), this one is: %t", p.Subject, p.Injected(), p.Call.Why, inject.Injected(p.Before))
		}
	}
	want := map[string]string{}
	for n := range 4 {
		want[fmt.Sprintf("web-6d5f8c7b9-%05d", n)], want[fmt.Sprintf("till-6d5f8c7b9-%05d", n)] = "web", "till"
	}
	if diff := cmp.Diff(want, names); diff != "" || len(verdicts) != 2 {
		t.Errorf("%d verdicts, want 2; names (-want +got)\n%s", len(verdicts), diff)
	}
}

// What may not be read is told of, and is neither missed nor an error.
func TestGatherWithoutRights(t *testing.T) {
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	client := clusterOf(t, deployment, budget)
	for _, resource := range []string{"poddisruptionbudgets", "mutatingwebhookconfigurations", "namespaces"} {
		client.PrependReactor("*", resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(a.GetResource().GroupResource(), "", errors.New("no right"))
		})
	}
	scene, err := analyze.Cluster{Client: client, Namespace: "shop", Revision: "default"}.Gather(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var unseen []string
	for _, u := range scene.Unseen {
		unseen = append(unseen, u.Resource)
	}
	if diff := cmp.Diff([]string{"mutatingwebhookconfigurations", "namespaces", "poddisruptionbudgets"}, unseen); diff != "" {
		t.Errorf("unseen (-want +got)\n%s", diff)
	}
	scene.Injectors = []*inject.Injector{standard()}
	findings, err := scene.Analyze(t.Context())
	if err != nil || len(findings) > 0 {
		t.Errorf("%v, findings:\n%s", err, print(findings))
	}
}

// A namespace that is not there is an error; a server that has a fault, too.
func TestGatherFails(t *testing.T) {
	_, err := analyze.Cluster{Client: clusterOf(t), Namespace: "nowhere"}.Gather(t.Context())
	if want := `namespace "nowhere" does not exist`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	client := clusterOf(t)
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewInternalError(errors.New("out of order"))
	})
	if _, err = (analyze.Cluster{Client: client}).Gather(t.Context()); err == nil {
		t.Error("pods cannot be read, and that is no error")
	}
}
