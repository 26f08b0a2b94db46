package bench_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"

	"outrigger.dev/outrigger/test/bench"
)

// What is measured is what is meant: the verdict is the case's, the patch
// applies to what was sent, and the floor replies the same.
func TestCasesGetTheirAnswers(t *testing.T) {
	for _, c := range slices.Concat(bench.Skips(), bench.Workloads(), bench.Modes(), bench.Shapes()) {
		t.Run(c.Name, func(t *testing.T) {
			setup, recording := set(t, c)
			server := bench.NewCaller(setup.Server(), recording)
			floor := bench.NewCaller(setup.Floor(recording), recording)
			ready, answered := floor.Call(0, false), server.Call(0, false)
			if diff := cmp.Diff(string(answered.Body), string(ready.Body)); diff != "" {
				t.Errorf("the floor replies something else (-server +floor):\n%s", diff)
			}
			for n, first := range []bool{false, false, true, true} {
				reply := server.Call(uint64(n), first)
				var review admissionv1.AdmissionReview
				if err := json.Unmarshal(reply.Body, &review); err != nil || reply.Code != http.StatusOK {
					t.Fatalf("review %d: %d %.200s: %v", n, reply.Code, reply.Body, err)
				}
				if got := review.Response.AuditAnnotations["decision"]; got != string(c.Verdict) {
					t.Errorf("review %d: the decision is %q, want %q", n, got, c.Verdict)
				}
				if patch := review.Response.Patch; len(patch) > 0 {
					applies(t, server.Sent(), patch)
				}
			}
		})
	}
}

// applies applies a patch as the API server does.
func applies(t *testing.T, sent, patch []byte) {
	t.Helper()
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(sent, &review); err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decoded.Apply(review.Request.Object.Raw); err != nil {
		t.Error(err)
	}
}

// The second pod of a ReplicaSet, as the API server sent it, is a variation of
// the first, as it sent that: whatever is not varied is the same in both.
func TestVariationsAreTrue(t *testing.T) {
	var varied []string
	for _, name := range []string{"deployment-1", "deployment-2"} {
		recording, err := bench.Record(name)
		if err != nil {
			t.Fatal(err)
		}
		body := recording.Body()
		recording.Vary(body, 7, false)
		// Of a UID only the end is varied.
		var review admissionv1.AdmissionReview
		if err := json.Unmarshal(body, &review); err != nil {
			t.Fatal(err)
		}
		varied = append(varied, strings.Replace(string(body), string(review.Request.UID), "", 1))
	}
	if diff := cmp.Diff(varied[0], varied[1]); diff != "" {
		t.Errorf("two pods of a ReplicaSet (-first +second):\n%s", diff)
	}
}

func TestVariationsDiffer(t *testing.T) {
	recording, err := bench.Record("deployment-1")
	if err != nil {
		t.Fatal(err)
	}
	owner := func(n uint64, first bool) string {
		body := recording.Body()
		recording.Vary(body, n, first)
		var review struct {
			Request struct {
				Object struct {
					Metadata struct {
						GenerateName    string
						OwnerReferences []struct{ Name, UID string }
					}
				}
			}
		}
		if err := json.Unmarshal(body, &review); err != nil {
			t.Fatal(err)
		}
		metadata := review.Request.Object.Metadata
		if metadata.GenerateName != metadata.OwnerReferences[0].Name+"-" {
			t.Errorf("a pod %s of a ReplicaSet %s", metadata.GenerateName, metadata.OwnerReferences[0].Name)
		}
		return metadata.OwnerReferences[0].Name + " " + metadata.OwnerReferences[0].UID
	}
	for what, tc := range map[string]struct{ first, same bool }{
		"pods of one workload":            {first: false, same: true},
		"the first pods of two workloads": {first: true, same: false},
	} {
		if one, other := owner(1, tc.first), owner(2, tc.first); (one == other) != tc.same {
			t.Errorf("%s: owners %s and %s", what, one, other)
		}
	}
}
