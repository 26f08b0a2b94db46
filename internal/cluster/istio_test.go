package cluster_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
)

// istioMap is a ConfigMap of an istiod, at a resource version.
func istioMap(name, version string, data map[string]string) *corev1.ConfigMap {
	c := configMap(name, data)
	c.Namespace, c.UID, c.ResourceVersion = "istio-system", "u-"+c.UID, version
	return c
}

func TestIstioOffersBothConfigMapsAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(
			istioMap("istio-sidecar-injector-canary", "1", map[string]string{"config": "a", "values": "{}"}),
			istioMap("istio-canary", "1", map[string]string{"mesh": "m"}),
			istioMap("istio", "1", map[string]string{"mesh": "of another revision"}),
		)
		configMaps := client.CoreV1().ConfigMaps("istio-system")
		update := func(c *corev1.ConfigMap) {
			t.Helper()
			if _, err := configMaps.Update(t.Context(), c, metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		versions := follow(t, &cluster.Istio{Client: client.CoreV1(), Namespace: "istio-system", Revision: "canary"})
		version := func(config, values, mesh string) cluster.Version {
			return cluster.Version{Sources: inject.Sources{Config: []byte(config), Values: []byte(values), Mesh: []byte(mesh)}}
		}
		if diff := cmp.Diff(version("a", "{}", "m"), <-versions); diff != "" {
			t.Errorf("first (-want +got):\n%s", diff)
		}
		// An upgrade writes one and then the other.
		update(istioMap("istio-sidecar-injector-canary", "2", map[string]string{"config": "b", "values": "{b: 1}"}))
		update(istioMap("istio-canary", "2", map[string]string{"mesh": "n"}))
		if diff := cmp.Diff(version("b", "{b: 1}", "n"), <-versions); diff != "" {
			t.Errorf("upgraded, and nothing in between (-want +got):\n%s", diff)
		}
		update(istioMap("istio-sidecar-injector-canary", "3", map[string]string{"config": "b"}))
		if v := <-versions; v.Err == nil || v.Err.Error() != `"istio-sidecar-injector-canary" has no key "values"` {
			t.Errorf("without values: offered %+v", v)
		}
		if err := configMaps.Delete(t.Context(), "istio-canary", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		update(istioMap("istio-sidecar-injector-canary", "4", map[string]string{"config": "b", "values": "{}"}))
		if v := <-versions; v.Err == nil || v.Err.Error() != `"istio-canary" does not exist` {
			t.Errorf("without a mesh: offered %+v", v)
		}
	})
}

func TestIstioIsFoundByItsRevision(t *testing.T) {
	for revision, want := range map[string]string{
		"":        `configmaps "istio-system/istio-sidecar-injector" and "istio-system/istio"`,
		"default": `configmaps "istio-system/istio-sidecar-injector" and "istio-system/istio"`,
		"1-31-4":  `configmaps "istio-system/istio-sidecar-injector-1-31-4" and "istio-system/istio-1-31-4"`,
	} {
		if got := (&cluster.Istio{Namespace: "istio-system", Revision: revision}).String(); got != want {
			t.Errorf("revision %q: %s, want %s", revision, got, want)
		}
	}
}

// The event is where the person looks who broke it.
func TestIstioRefusalIsLeftOnTheConfigMapToBlame(t *testing.T) {
	injector := istioMap("istio-sidecar-injector", "7", map[string]string{"config": "policy: enabled", "values": "{}"})
	mesh := func(text string) *corev1.ConfigMap { return istioMap("istio", "8", map[string]string{"mesh": text}) }
	for name, c := range map[string]struct {
		before []*corev1.ConfigMap
		want   string
	}{
		"a mesh that does not parse":   {[]*corev1.ConfigMap{injector, mesh("a: [")}, "istio"},
		"a mesh that is not there":     {[]*corev1.ConfigMap{injector, istioMap("istio", "8", nil)}, "istio"},
		"anything else":                {[]*corev1.ConfigMap{injector, mesh("rootNamespace: x")}, "istio-sidecar-injector"},
		"a mesh alone":                 {[]*corev1.ConfigMap{mesh("rootNamespace: x")}, "istio"},
		"an injector's alone":          {[]*corev1.ConfigMap{injector}, "istio-sidecar-injector"},
		"none: there is nothing there": {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			for _, object := range c.before {
				if err := client.Tracker().Add(object); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // replicas
				source := &cluster.Istio{Client: client.CoreV1(), Namespace: "istio-system"}
				<-follow(t, source)
				if err := source.Refused(t.Context(), errors.New("of no use")); err != nil {
					t.Fatal(err)
				}
			}
			events, err := client.CoreV1().Events("istio-system").List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var about []string
			for _, event := range events.Items {
				about = append(about, event.InvolvedObject.Name)
			}
			if got := strings.Join(about, " and "); got != c.want {
				t.Errorf("events about %q, want one about %q", got, c.want)
			}
		})
	}
}
