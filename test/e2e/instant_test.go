package e2e_test

import (
	"fmt"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const times = 100

// each does something so many times, a few at once.
func each(t *testing.T, do func(n int)) {
	t.Helper()
	var all sync.WaitGroup
	next := make(chan int)
	for range 8 {
		all.Go(func() {
			for n := range next {
				do(n)
			}
		})
	}
	for n := range times {
		next <- n
	}
	close(next)
	all.Wait()
}

// A namespace that did not exist a moment ago, and a pod in it: no cache knows it.
func TestNamespaceMadeInTheSameInstant(t *testing.T) {
	t.Parallel()
	each(t, func(n int) {
		namespace := newNamespace(t, enabled)
		if got := create(t, namespace, newPod("pod")); got.Err != nil || injectedBy(got.Pod) != "default" {
			t.Errorf("%d: not injected: %v", n, got.Err)
		}
	})
}

// A namespace that everybody knows as unlabelled is labelled, and a pod created
// at once. The API server's own cache may be late, too: then it does not ask, and
// nobody can help. Whenever it asks, the pod is injected.
func TestNamespaceLabelledInTheSameInstant(t *testing.T) {
	t.Parallel()
	namespaces := make([]string, times)
	each(t, func(n int) { namespaces[n] = newNamespace(t, nil) })
	pods, injected := make([]string, times), make([]bool, times)
	each(t, func(n int) {
		namespace := namespaces[n]
		_, err := cluster.Client().CoreV1().Namespaces().Patch(within(t), namespace, types.MergePatchType,
			[]byte(`{"metadata":{"labels":{"istio-injection":"enabled"}}}`), metav1.PatchOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		pod, err := cluster.Client().CoreV1().Pods(namespace).Create(within(t), newPod("pod"), metav1.CreateOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		pods[n], injected[n] = namespace+"/"+pod.Name, injectedBy(pod) == "default"
	})
	if t.Failed() {
		return // not every pod is there to be asked about
	}
	asked := 0
	for n, found := range askedAbout(t, pods) {
		if found {
			asked++
		}
		if found != injected[n] {
			t.Errorf("%s: asked about %t, injected %t", pods[n], found, injected[n])
		}
	}
	t.Logf("the API server asked about %d of %d", asked, times)
	if asked == 0 {
		t.Error("the API server asked about none: nothing was shown")
	}
}

// askedAbout says for each pod whether the API server asked about it.
func askedAbout(t *testing.T, pods []string) []bool {
	t.Helper()
	found := calls(t, pods...)
	asked := make([]bool, len(pods))
	for n, pod := range pods {
		asked[n] = len(found[pod]) > 0
	}
	return asked
}

// Many pods of one new namespace at once share what is asked about it.
func TestManyPodsOfANewNamespace(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	each(t, func(n int) {
		pod, err := cluster.Client().CoreV1().Pods(namespace).Create(within(t), newPod(fmt.Sprintf("pod-%d", n)), metav1.CreateOptions{})
		if err != nil || injectedBy(pod) != "default" {
			t.Errorf("%d: not injected: %v", n, err)
		}
	})
}
