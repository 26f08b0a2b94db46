package e2e_test

import (
	"fmt"
	"strings"
	"testing"
)

// A pod that one revision injected and another injects again, as it is exported
// and created in a namespace of the other's, is what the other makes of it afresh.
func TestPodMovesToAnotherRevision(t *testing.T) {
	t.Parallel()
	for sidecar, annotation := range sidecars(t) {
		t.Run(sidecar, func(t *testing.T) {
			t.Parallel()
			namespace := newNamespace(t, enabled)
			pod := strings.Replace(original, "%s", annotation, 1)
			was := post(t, namespace, pod)
			if was.Err != nil {
				t.Fatal(was.Err)
			}
			exported := kubectl(t, "get", "pod", "original", "--namespace", namespace, "-o", "yaml")
			elsewhere := newNamespace(t, map[string]string{"istio.io/rev": "canary"})
			kubectlWith(t, strings.ReplaceAll(exported, namespace, elsewhere), "create", "-f", "-")
			fresh := post(t, elsewhere, strings.Replace(pod, "name: original", "name: fresh", 1))
			if fresh.Err != nil {
				t.Fatal(fresh.Err)
			}
			wantSame(t, fresh.Pod, read(t, elsewhere, "original"))
		})
	}
}

// A limit of the proxy's alone becomes its request, too, in the API server. When
// the limit goes down later, so does the request, or the pod would be none.
func TestLimitThatIsLoweredLater(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t, enabled)
	was := runs(t, namespace, `
metadata: {name: high, annotations: {sidecar.istio.io/proxyCPULimit: 800m, sidecar.istio.io/proxyMemoryLimit: 1024Mi}}
`)
	if requests := proxy(was).Resources.Requests; requests.Cpu().String() != "800m" {
		t.Fatalf("the API server makes requests of %v of a limit of 800m", requests)
	}
	exported := kubectl(t, "get", "pod", "high", "--namespace", namespace, "-o", "yaml")
	exported = strings.NewReplacer("name: high", "name: low", "proxyCPULimit: 800m", "proxyCPULimit: 300m").Replace(exported)
	kubectlWith(t, exported, "create", "-f", "-")
	is := proxy(read(t, namespace, "low")).Resources
	if got := fmt.Sprint(is.Limits.Cpu(), is.Requests.Cpu(), is.Limits.Memory(), is.Requests.Memory()); got != "300m 300m 1Gi 1Gi" {
		t.Errorf("limits and requests are %s", got)
	}
}
