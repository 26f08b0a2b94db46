package chart_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

// A tag is moved from one revision to another and back, while pods that ask for it are
// created one after the other: each of them is injected, the first ones by the one, the
// last ones by the other. That holds for a move that is killed, too, and it comes to its
// end when it is run again.
func TestTagMovesWithoutAGap(t *testing.T) {
	values, start := beside(t, "--webhook-configuration=outrigger-injector", "--webhook-configuration=outrigger-tag-prod")
	valuesOfB, startB := besideOf(t, "b", "--webhook-configuration=outrigger-injector-b", "--webhook-configuration=outrigger-tag-prod")
	t.Cleanup(func() { purge(t) })
	start()
	startB()
	outrigger(t, "install", "-f", values, "-y")
	outrigger(t, "install", "-f", valuesOfB, "-y")
	outrigger(t, "tag", "set", "prod", "-y")
	namespace := newNamespaces(t, map[string]string{"istio.io/rev": "prod"})[0].Name
	if out, err := cli(within(t), "tag", "set", "prod", "--revision", "b", "-y").CombinedOutput(); err == nil {
		t.Errorf("the tag was moved without --overwrite:\n%s", out)
	}

	whileCreating(t, namespace, "default", "b", func() {
		outrigger(t, "tag", "set", "prod", "--revision", "b", "--overwrite", "-y")
	})
	wantNoBridge(t)

	whileCreating(t, namespace, "b", "default", func() {
		killed(t, point{text: "deleted MutatingWebhookConfiguration outrigger-tag-prod"}, "tag", "set", "prod", "--overwrite", "-y")
	})
	whileCreating(t, namespace, "default", "default", func() {
		outrigger(t, fixOfMove(t)...)
	})
	wantNoBridge(t)

	// Nor is anything left of it once the tag is removed, whoever had it by then.
	killed(t, point{text: "created MutatingWebhookConfiguration outrigger-tag-prod.moving"}, "tag", "set", "prod", "--revision", "b", "--overwrite", "-y")
	outrigger(t, "tag", "remove", "prod", "-y")
	wantConfigurations(t, "outrigger-injector", "outrigger-injector-b")
	leaveBridge(t)
	fixOfMove(t)
	outrigger(t, "tag", "remove", "prod", "-y")
	wantConfigurations(t, "outrigger-injector", "outrigger-injector-b")
}

// fixOfMove wants analyze to find that the tag has not come to the end of its move, and
// nothing else, and gives what it says to type.
func fixOfMove(t *testing.T) []string {
	t.Helper()
	said, err := cli(within(t), "analyze", "-n", "default").Output()
	found, fix, _ := strings.Cut(strings.TrimSpace(string(said)), "\n  fix: outrigger ")
	if err != nil || !strings.HasPrefix(found, "Warning [OUT0511] (MutatingWebhookConfiguration outrigger-tag-prod.moving) ") || strings.Contains(fix, "\n") {
		t.Fatalf("analyze finds something else: %v\n%s", err, said)
	}
	return append(strings.Fields(fix), "-y")
}

// leaveBridge leaves what a move to the revision b leaves that is cut short when no release
// has the tag.
func leaveBridge(t *testing.T) {
	t.Helper()
	all := cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations()
	own, err := all.Get(within(t), "outrigger-injector-b", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bridge := &admissionv1.MutatingWebhookConfiguration{Webhooks: own.Webhooks}
	bridge.Name, bridge.Labels = "outrigger-tag-prod.moving", own.Labels
	if _, err := all.Create(within(t), bridge, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// wantNoBridge wants the tag to have its own webhook configuration again, and no other.
func wantNoBridge(t *testing.T) {
	t.Helper()
	wantConfigurations(t, "outrigger-injector", "outrigger-injector-b", "outrigger-tag-prod")
}

// wantConfigurations wants these to be our webhook configurations.
func wantConfigurations(t *testing.T, want ...string) {
	t.Helper()
	list, err := cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().List(within(t), metav1.ListOptions{LabelSelector: "app.kubernetes.io/part-of=outrigger"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range list.Items {
		names = append(names, c.Name)
	}
	if !slices.Equal(names, want) {
		t.Errorf("webhook configurations %q, want %q", names, want)
	}
}

// whileCreating creates pods one after the other, from before something is done until
// after it, and wants all of them to be injected: the first one by the one revision, the
// last one by the other.
func whileCreating(t *testing.T, namespace, first, last string, do func()) {
	t.Helper()
	by := []string{createdBy(t, namespace)}
	var creating sync.WaitGroup
	stop := make(chan struct{})
	halt := sync.OnceFunc(func() { close(stop); creating.Wait() })
	t.Cleanup(halt)
	creating.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				by = append(by, createdBy(t, namespace))
			}
		}
	})
	do()
	halt()
	by = append(by, createdBy(t, namespace))
	for n, revision := range by {
		if revision == "" {
			t.Errorf("pod %d of %d is not injected", n, len(by))
		}
	}
	if by[0] != first || by[len(by)-1] != last {
		t.Errorf("injected by %q, want %s first, and %s last", by, first, last)
	}
	t.Logf("%d pods while the tag moved from %s to %s", len(by), first, last)
}

// createdBy is the revision that has injected a new pod, "" where none has. It is called
// by other goroutines than the test's own, too.
func createdBy(t *testing.T, namespace string) string {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	pod, err := cluster.Client().CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "app-"}, Spec: probe(nil).Spec,
	}, metav1.CreateOptions{})
	if err != nil {
		t.Error(err)
		return ""
	}
	var record struct{ Revision string }
	if err := json.Unmarshal([]byte(pod.Annotations[inject.RecordAnnotation]), &record); err != nil {
		return ""
	}
	return record.Revision
}
