// Inside the package: what a memory holds cannot be seen from without.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/templates"
)

// enabled are namespaces that all want sidecars.
type enabled struct{}

func (enabled) Cached(name string) (inject.Namespace, bool) {
	return inject.Namespace{Name: name, Labels: map[string]string{"istio-injection": "enabled"}}, true
}

func (enabled) Live(context.Context, string) (inject.Namespace, error) {
	panic("the cache agrees with the call")
}

// product is the injector of the default installation.
func product(t testing.TB) *inject.Injector {
	t.Helper()
	config, values, mesh := charts.Default()
	in, err := inject.New(inject.Sources{Config: config, Values: values, Mesh: mesh}, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// made is a pod as the API server makes one more of its workload.
func made(pod []byte, suffix, time string) []byte {
	text := strings.Replace(string(pod), `"metadata":{`,
		`"metadata":{"managedFields":[{"manager":"kube-controller-manager","operation":"Update","time":"`+time+`"}],`, 1)
	token := `{"name":"kube-api-access-` + suffix + `","projected":{"sources":[{"serviceAccountToken":{"path":"token"}}]}}`
	if strings.Contains(text, `"volumes":[`) {
		text = strings.Replace(text, `"volumes":[`, `"volumes":[`+token+`,`, 1)
	} else {
		text = strings.Replace(text, `"spec":{`, `"spec":{"volumes":[`+token+`],`, 1)
	}
	return []byte(strings.ReplaceAll(text, `"containers":[{`, `"containers":[{"volumeMounts":[{"name":"kube-api-access-`+suffix+`","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],`))
}

// An answer from memory is the answer that would be made afresh, for every pod of
// the corpus, and for pods that were written to confuse.
func TestRecalledAnswersAreThoseMadeAfresh(t *testing.T) {
	in := product(t)
	pods := templates.Corpus()
	for _, text := range []string{
		`"annotations":{"a":"kube-api-access-00000"}`,
		`"annotations":{"a":"kube-api-access-bbbbb"}`,
		`"labels":{"sidecar.istio.io/inject":"kube-api-access-bbbbb"}`,
		`"annotations":{"inject.istio.io/templates":"kube-api-access-bbbbb"}`,
	} {
		pods = append(pods, []byte(`{"metadata":{`+text+`},"spec":{"containers":[{"name":"app","image":"app"}]}}`))
	}
	remembering := NewReviews(func() Injector { return in }, Cluster{Namespaces: enabled{}})
	for i, pod := range pods {
		t.Run(fmt.Sprintf("pod %d", i), func(t *testing.T) {
			recalled := 0
			for _, suffix := range []string{"bbbbb", "x2z9w", "ccccc"} {
				review := Review{Namespace: "shop", Pod: made(pod, suffix, "2026-01-01T00:00:00Z")}
				got, err := remembering.Review(t.Context(), review)
				if err != nil {
					t.Fatal(err)
				}
				want, err := NewReviews(func() Injector { return in }, Cluster{Namespaces: enabled{}}).Review(t.Context(), review)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Answer{}, "Recalled")); diff != "" {
					t.Errorf("-afresh +remembering\n%s", diff)
				}
				if applied, err := inject.Apply(review.Pod, operations(t, got)); err != nil {
					t.Error(err)
				} else if bytes.Contains(applied, []byte(inject.Prefix)) == (got.Decision.Verdict != inject.Inject) {
					t.Errorf("verdict %s, and the pod that comes out: %s", got.Decision.Verdict, applied)
				}
				if got.Recalled {
					recalled++
				}
			}
			if hostile := strings.Contains(string(pod), "kube-api-access"); recalled != 2 && !hostile {
				t.Errorf("%d of two later pods were answered from memory", recalled)
			}
		})
	}
}

// Requests that differ in anything that an injection can see have different keys.
func TestKeyOf(t *testing.T) {
	namespace := func(labels, annotations map[string]string, unknown bool) inject.Request {
		return inject.Request{Namespace: inject.Namespace{Name: "n", Labels: labels, Annotations: annotations, Unknown: unknown}}
	}
	path := func(p inject.Path) inject.Request { return inject.Request{Path: p} }
	ab := map[string]string{"a": "b"}
	seen := map[key]string{}
	for sentence, request := range map[string]inject.Request{
		"nothing":                              {},
		"a pod":                                {Pod: []byte(`{"a":"b"}`)},
		"a pod of one byte's difference":       {Pod: []byte(`{"a":"c"}`)},
		"a cluster":                            path(inject.Path{Cluster: "a"}),
		"a network":                            path(inject.Path{Network: "a"}),
		"a variable":                           path(inject.Path{Env: ab}),
		"a variable, cut elsewhere":            path(inject.Path{Env: map[string]string{"ab": ""}}),
		"a namespace":                          namespace(nil, nil, false),
		"a namespace, unknown":                 namespace(nil, nil, true),
		"a namespace's label":                  namespace(ab, nil, false),
		"a namespace's annotation":             namespace(nil, ab, false),
		"a namespace's two labels":             namespace(map[string]string{"a": "b", "c": "d"}, nil, false),
		"a namespace's one label of that text": namespace(map[string]string{"a": "b\x01c\x01d"}, nil, false),
	} {
		k := keyOf(inject.Canonicalize(request.Pod), request)
		if other, ok := seen[k]; ok {
			t.Errorf("%s and %s have one key", sentence, other)
		}
		seen[k] = sentence
	}
}

// Nothing is recalled under another configuration, or once nodes or ProxyConfigs
// have changed.
func TestAnswersDoNotOutliveTheirEpoch(t *testing.T) {
	first, second := product(t), product(t)
	m := newMemory(1 << 20)
	for i, step := range []struct {
		at   epoch
		made bool
	}{
		{epoch{first, 1}, true}, {epoch{first, 1}, false},
		{epoch{first, 2}, true}, {epoch{first, 2}, false},
		{epoch{second, 2}, true}, {epoch{first, 2}, true},
	} {
		made := false
		_, err := m.recall(step.at, inject.Request{Pod: []byte("{}")}, func(inject.Request) (Answer, error) {
			made = true
			return Answer{}, nil
		})
		if err != nil || made != step.made {
			t.Errorf("step %d: made %t, want %t; %v", i, made, step.made, err)
		}
	}
}

// However many workloads there are, and however many ask at a time, a memory holds
// no more than it was given.
func TestMemoryIsBounded(t *testing.T) {
	const most = 64 << 10
	m := newMemory(most)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 500 {
				pod := fmt.Sprintf(`{"worker":%d,"pod":%d}`, worker%4, i)
				answer, err := m.recall(epoch{}, inject.Request{Pod: []byte(pod)}, func(r inject.Request) (Answer, error) {
					return Answer{Patch: append(bytes.Repeat([]byte(" "), i), r.Pod...)}, nil
				})
				if got := strings.TrimSpace(string(answer.Patch)); err != nil || got != pod {
					t.Errorf("%s was answered with %s, %v", pod, got, err)
				}
			}
		})
	}
	all.Wait()
	// A page is turned by who filled it; the seven others may have been writing.
	const atATime = 8 * (entryOverhead + 600)
	held := int64(0)
	for _, p := range []*page{m.pages.Load().young, m.pages.Load().old} {
		p.answers.Range(func(_, r any) bool {
			held += r.(*remembered).size
			return true
		})
	}
	if held > most+2*atATime || held == 0 {
		t.Errorf("%d bytes are held, want at most %d", held, most)
	}
}

// A fault is not remembered: the next pod may have more luck.
func TestFaultsAreNotRemembered(t *testing.T) {
	m := newMemory(1 << 20)
	for range 2 {
		made := false
		_, err := m.recall(epoch{}, inject.Request{Pod: []byte("{}")}, func(inject.Request) (Answer, error) {
			made = true
			return Answer{}, fmt.Errorf("a fault")
		})
		if err == nil || !made {
			t.Errorf("made %t, %v", made, err)
		}
	}
}

// operations are those of an answer's patch.
func operations(t *testing.T, a Answer) []inject.Operation {
	t.Helper()
	var ops []inject.Operation
	if len(a.Patch) > 0 {
		if err := json.Unmarshal(a.Patch, &ops); err != nil {
			t.Fatal(err)
		}
	}
	return ops
}

// What is remembered keeps nothing else in memory: neither the room that a patch
// was written in nor the pod that a text was part of.
func TestMemoryKeepsNoMoreThanItCounts(t *testing.T) {
	patch := append(make([]byte, 0, 1<<20), "[]"...)
	pod := []byte(strings.Repeat("x", 100))
	m := newMemory(1 << 20)
	_, err := m.recall(epoch{}, inject.Request{Pod: pod}, func(inject.Request) (Answer, error) {
		return Answer{Patch: patch, Decision: inject.Decision{Trace: make([]inject.Step, 1, 1<<10)}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	found := m.open(epoch{}).find(keyOf(inject.Canonicalize(pod), inject.Request{}))
	if found == nil {
		t.Fatal("not remembered")
	}
	if got := cap(found.answer.Patch); got > 64 {
		t.Errorf("a patch of 2 bytes takes %d", got)
	}
	if got := cap(found.answer.Decision.Trace); got > 2 {
		t.Errorf("a trace of 1 step has room for %d", got)
	}
}
