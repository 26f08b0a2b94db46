package cluster_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
)

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "outrigger-system", Name: name, UID: "u", ResourceVersion: "7"}, Data: data}
}

// follow offers the versions of a source on a channel until the test ends.
func follow(t *testing.T, source cluster.Source) <-chan cluster.Version {
	t.Helper()
	versions, done := make(chan cluster.Version), make(chan struct{})
	t.Cleanup(func() { <-done })
	go func() {
		defer close(done)
		source.Watch(t.Context(), func(v cluster.Version) {
			select {
			case versions <- v:
			case <-t.Context().Done():
			}
		})
	}()
	return versions
}

func TestConfigMapOffersEveryChange(t *testing.T) {
	client := fake.NewClientset(configMap("outrigger", map[string]string{"config": "a", "values": "{}", "mesh": "m"}))
	configMaps := client.CoreV1().ConfigMaps("outrigger-system")
	source := &cluster.ConfigMap{Client: client.CoreV1(), Namespace: "outrigger-system", Name: "outrigger"}
	versions := follow(t, source)

	want := cluster.Version{Sources: inject.Sources{Config: []byte("a"), Values: []byte("{}"), Mesh: []byte("m")}}
	if diff := cmp.Diff(want, <-versions); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	update := func(resourceVersion string, data map[string]string) {
		t.Helper()
		changed := configMap("outrigger", data)
		changed.ResourceVersion = resourceVersion
		if _, err := configMaps.Update(t.Context(), changed, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	update("8", map[string]string{"config": "b"})
	if v := <-versions; v.Err != nil || string(v.Sources.Config) != "b" {
		t.Errorf("changed: offered %+v", v)
	}
	update("9", map[string]string{"confg": "b"})
	if v := <-versions; v.Err == nil || v.Err.Error() != `has no key "config"` {
		t.Errorf("without its key: offered %+v", v)
	}
	if err := configMaps.Delete(t.Context(), "outrigger", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if v := <-versions; v.Err == nil || v.Err.Error() != "does not exist" {
		t.Errorf("deleted: offered %+v", v)
	}
}

func TestConfigMapThatIsMissingIsOffered(t *testing.T) {
	client := fake.NewClientset()
	source := &cluster.ConfigMap{Client: client.CoreV1(), Namespace: "outrigger-system", Name: "outrigger"}
	if v := <-follow(t, source); v.Err == nil || v.Err.Error() != "does not exist" {
		t.Errorf("offered %+v", v)
	}
	if err := source.Refused(t.Context(), errors.New("does not exist")); err != nil {
		t.Errorf("an event on nothing: %v", err)
	}
}

// However many replicas refuse a version, there is one event about it.
func TestConfigMapHasOneEventForARefusal(t *testing.T) {
	client := fake.NewClientset(configMap("outrigger", map[string]string{"config": "a"}))
	for range 2 {
		replica := &cluster.ConfigMap{Client: client.CoreV1(), Namespace: "outrigger-system", Name: "outrigger"}
		<-follow(t, replica)
		if err := replica.Refused(t.Context(), errors.New("template \"x\": line 3: "+strings.Repeat("y", 2000))); err != nil {
			t.Fatal(err)
		}
	}
	events, err := client.CoreV1().Events("outrigger-system").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(events.Items) != 1 {
		t.Fatalf("%d events, want 1", len(events.Items))
	}
	event := events.Items[0]
	about := corev1.ObjectReference{
		APIVersion: "v1", Kind: "ConfigMap", Namespace: "outrigger-system", Name: "outrigger", UID: "u", ResourceVersion: "7",
	}
	if diff := cmp.Diff(about, event.InvolvedObject); diff != "" {
		t.Errorf("about (-want +got):\n%s", diff)
	}
	if event.Reason != "ConfigurationRefused" || event.Type != corev1.EventTypeWarning ||
		!strings.HasPrefix(event.Message, "the configuration before stays in force: template \"x\": line 3: yyy") || len(event.Message) != 1000 {
		t.Errorf("event is %s %s %q", event.Type, event.Reason, event.Message)
	}
}

func TestLastGoodKeepsWhatWasSaved(t *testing.T) {
	good := inject.Sources{Config: []byte("policy: enabled"), Values: []byte("{}"), Mesh: []byte("rootNamespace: x")}
	for name, c := range map[string]struct {
		before []*corev1.ConfigMap
		// writes are the verbs that Save takes.
		writes []string
	}{
		"none yet":              {nil, []string{"create"}},
		"the chart's empty one": {[]*corev1.ConfigMap{configMap("last", nil)}, []string{"patch"}},
		"an older one":          {[]*corev1.ConfigMap{configMap("last", map[string]string{"config": "old", "extra": "stays"})}, []string{"patch"}},
		"the same": {[]*corev1.ConfigMap{configMap("last", map[string]string{
			"config": "policy: enabled", "values": "{}", "mesh": "rootNamespace: x"})}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			for _, object := range c.before {
				client = fake.NewClientset(object)
			}
			last := &cluster.LastGood{ConfigMaps: client.CoreV1().ConfigMaps("outrigger-system"), Namespace: "outrigger-system", Name: "last"}
			if err := last.Save(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			var writes []string
			for _, action := range client.Actions() {
				if action.GetVerb() != "get" {
					writes = append(writes, action.GetVerb())
				}
			}
			if diff := cmp.Diff(c.writes, writes); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
			got, err := last.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(good, got); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLastGoodWithoutAnyIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		client *fake.Clientset
		want   string
	}{
		"missing": {fake.NewClientset(), `configmap "outrigger-system/last": configmaps "last" not found`},
		"empty":   {fake.NewClientset(configMap("last", nil)), `configmap "outrigger-system/last": is empty`},
	} {
		t.Run(name, func(t *testing.T) {
			last := &cluster.LastGood{ConfigMaps: c.client.CoreV1().ConfigMaps("outrigger-system"), Namespace: "outrigger-system", Name: "last"}
			if _, err := last.Load(t.Context()); err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
