package webhook_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// What surprises is told each time, and everything else once for each workload.
func TestSignals(t *testing.T) {
	const owned = `{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-","ownerReferences":[` +
		`{"apiVersion":"v1","kind":"Node","name":"other","uid":"1"},{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"2","controller":true}]}}`
	for name, c := range map[string]struct {
		in         *fakeInjector
		told       int
		surprising bool
	}{
		"injected":         {answering(injected), 1, false},
		"opted out":        {answering(skipped(inject.PodLabel, "")), 1, false},
		"skipped all same": {answering(skipped(inject.HostNetwork, "")), 3, true},
		"refused":          {answering(inject.Result{Decision: inject.Decision{Verdict: inject.Deny, Reason: inject.BadAnnotation}}), 3, true},
		"a fault of ours":  {faulting(""), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			var told []webhook.Signal
			reviews := webhook.NewReviews(func() webhook.Injector { return c.in }, webhook.Cluster{Namespaces: fakeNamespaces{}})
			h := &webhook.Handler{Log: slog.New(slog.DiscardHandler), Reviewer: webhook.Signalled(reviews, func(s webhook.Signal) { told = append(told, s) })}
			body, err := json.Marshal(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": map[string]any{
				"uid": "u", "namespace": "shop", "operation": "CREATE", "object": json.RawMessage(owned),
			}})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				_, _ = io.Copy(io.Discard, post(h, string(body)).Body)
			}
			if len(told) != c.told {
				t.Fatalf("told %d times, want %d", len(told), c.told)
			}
			for _, s := range told {
				got := []any{s.Namespace, s.Controller.Kind, s.Controller.Name, string(s.Controller.UID), s.Surprising}
				if diff := cmp.Diff([]any{"shop", "ReplicaSet", "web", "2", c.surprising}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}
