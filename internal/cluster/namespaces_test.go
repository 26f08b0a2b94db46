package cluster_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata/fake"
	"k8s.io/client-go/tools/cache"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
)

func TestNamespacesKeepWhatIsRead(t *testing.T) {
	scheme := fake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	client := fake.NewSimpleMetadataClient(scheme, &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{
			Name:   "shop",
			Labels: map[string]string{"istio-injection": "enabled", "team": "a"},
			Annotations: map[string]string{
				"openshift.io/sa.scc.uid-range":                    "1000/100",
				"kubectl.kubernetes.io/last-applied-configuration": "a page of text",
			},
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		},
	})
	namespaces, err := cluster.NewNamespaces(client)
	if err != nil {
		t.Fatal(err)
	}
	if _, seen := namespaces.Cached("shop"); seen || namespaces.Synced() {
		t.Error("knows a namespace before it has looked")
	}
	go namespaces.Run(t.Context())
	cache.WaitForCacheSync(t.Context().Done(), namespaces.Synced)

	want := inject.Namespace{
		Name:        "shop",
		Labels:      map[string]string{"istio-injection": "enabled", "team": "a"},
		Annotations: map[string]string{"openshift.io/sa.scc.uid-range": "1000/100"},
	}
	got, seen := namespaces.Cached("shop")
	if diff := cmp.Diff(want, got); !seen || diff != "" {
		t.Errorf("cached: seen %t (-want +got):\n%s", seen, diff)
	}
	if _, seen := namespaces.Cached("bazaar"); seen {
		t.Error("knows a namespace that does not exist")
	}
	live, err := namespaces.Live(t.Context(), "shop")
	if diff := cmp.Diff(want.Labels, live.Labels); err != nil || diff != "" {
		t.Errorf("live: %v (-want +got):\n%s", err, diff)
	}
	if _, err := namespaces.Live(t.Context(), "bazaar"); err == nil {
		t.Error("a namespace that does not exist: want an error")
	}
}
