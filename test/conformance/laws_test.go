package conformance_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"outrigger.dev/outrigger/inject"
)

// A subject is a pod of a case, in the configuration of the case.
type subject struct {
	name    string
	in      *inject.Injector
	request inject.Request
}

// subjects are the pods of all cases as the API server would send them, and
// those of the cases that have none in their manifests.
func subjects(t *testing.T) []subject {
	t.Helper()
	var all []subject
	for _, c := range cases(t) {
		for i, pod := range c.Pods {
			s := c.subject(t, pod.Namespace)
			s.name = fmt.Sprintf("%s/pod-%d", c.name, i)
			s.request.Pod = c.read(t, pod.Pod)
			all = append(all, s)
		}
		if len(c.Pods) > 0 {
			continue
		}
		for _, w := range c.workloads(t) {
			s := c.subject(t, w.Namespace)
			s.name = c.name + "/" + w.Kind + " " + w.Name
			s.request.Pod, s.request.Owner = w.Pod, w.Owner()
			all = append(all, s)
		}
	}
	return all
}

// subject is a pod to come in a namespace.
func (c testCase) subject(t *testing.T, namespace string) subject {
	t.Helper()
	ns, ok := c.namespaces(t)[namespace]
	if !ok {
		ns = inject.Namespace{Name: namespace, Unknown: true}
	}
	native := inject.Native{Supported: c.NativeSidecars}
	return subject{in: c.injector(t), request: inject.Request{Namespace: ns, Native: native.Everywhere}}
}

// workloads are those of the case's manifests, in order.
func (c testCase) workloads(t *testing.T) []inject.Workload {
	t.Helper()
	var all []inject.Workload
	for _, doc := range yamlDocuments(t, c.read(t, c.Input)) {
		workloads, err := inject.ReadWorkloads(doc)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		all = append(all, workloads...)
	}
	return all
}

// each runs a law over every subject that is injected, and says for how many
// pods it holds. What is not injected stays as it came.
func each(t *testing.T, says string, law func(t *testing.T, s subject, once inject.Result)) {
	var run, injected, held atomic.Int32
	of := map[string]bool{}
	t.Run("law", func(t *testing.T) {
		for _, s := range subjects(t) {
			run.Add(1)
			name, _, _ := strings.Cut(s.name, "/")
			of[name] = true
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				once := s.inject(t, s.request.Pod)
				if once.Decision.Verdict == inject.Inject {
					injected.Add(1)
					law(t, s, once)
				} else if len(once.Patch) > 0 {
					t.Errorf("not injected, and changed: %s", encode(t, once.Patch))
				}
				if !t.Failed() {
					held.Add(1)
				}
			})
		}
	})
	if len(cases(t)) > 0 && injected.Load() == 0 {
		t.Error("no pod was injected, so nothing was shown")
	}
	t.Attr("summary", fmt.Sprintf("%s: %d of %d pods of %d cases", says, held.Load(), run.Load(), len(of)))
}

// inject injects a pod as if it were the subject's own.
func (s subject) inject(t testing.TB, pod []byte) inject.Result {
	t.Helper()
	s.request.Pod = pod
	result, err := s.in.Inject(s.request)
	if err != nil {
		t.Fatalf("fault: %v", err)
	}
	return result
}

// TestPatchApplies is law 1: the patch applies to the bytes that came, whatever
// form they have, and gives the pod that the result says.
func TestPatchApplies(t *testing.T) {
	forms := map[string]func(pod map[string]any){
		"as it came":             func(map[string]any) {},
		"with its kind":          func(pod map[string]any) { pod["apiVersion"], pod["kind"] = "v1", "Pod" },
		"without metadata":       func(pod map[string]any) { delete(pod, "metadata") },
		"with empty metadata":    func(pod map[string]any) { pod["metadata"] = map[string]any{} },
		"with null labels":       func(pod map[string]any) { metadata(pod)["labels"] = nil },
		"with null annotations":  func(pod map[string]any) { metadata(pod)["annotations"] = nil },
		"with managed fields":    func(pod map[string]any) { metadata(pod)["managedFields"] = []any{map[string]any{"manager": "x"}} },
		"with null lists":        func(pod map[string]any) { spec(pod)["volumes"], spec(pod)["imagePullSecrets"] = nil, nil },
		"with no init container": func(pod map[string]any) { delete(spec(pod), "initContainers") },
		"with a status":          func(pod map[string]any) { pod["status"] = map[string]any{"phase": "Pending"} },
	}
	each(t, "the patch applies, in every form of a pod", func(t *testing.T, s subject, _ inject.Result) {
		for form, change := range forms {
			var pod map[string]any
			decode(t, s.request.Pod, &pod)
			change(pod)
			raw := indented(t, pod)
			result := s.inject(t, raw)
			if got := apply(t, raw, result.Patch); !sameJSON(t, got, result.Pod()) {
				t.Errorf("%s: the patch gives another pod than the result has (-result +patched):\n%s",
					form, cmp.Diff(tree(t, result.Pod()), tree(t, got)))
			}
		}
	})
}

// TestUnknownFieldsStay is law 2: a field that nobody knows stays on its object,
// and that object on the container of the same name. But for these fields, the
// pod becomes what it would be without them.
func TestUnknownFieldsStay(t *testing.T) {
	each(t, "unknown fields planted and kept", func(t *testing.T, s subject, once inject.Result) {
		raw := plant(t, s.request.Pod)
		result := s.inject(t, raw)
		before, after := harvest(t, raw), harvest(t, result.Pod())
		for number, was := range before {
			is := after[number]
			switch {
			case len(is) > 1:
				t.Errorf("%s of %s is there %d times", futureField+number, was[0].path, len(is))
			case len(is) == 0 && !rewritten(was[0].path):
				t.Errorf("%s of %s is gone", futureField+number, was[0].path)
			case len(is) == 1 && is[0].path != moved(was[0].path, result.Pod(), t):
				t.Errorf("%s was at %s and is at %s", futureField+number, was[0].path, is[0].path)
			}
		}
		if diff := cmp.Diff(withoutOwn(t, unplanted(t, once.Pod())), withoutOwn(t, unplanted(t, result.Pod()))); diff != "" {
			t.Errorf("unknown fields changed the injection (-without +with):\n%s", diff)
		}
	})
}

// TestNothingIsRemoved is law 3: what the user wrote is still there, with the
// values it had, but for what is documented to be rewritten.
func TestNothingIsRemoved(t *testing.T) {
	each(t, "nothing of a user's removed", func(t *testing.T, s subject, _ inject.Result) {
		raw := plant(t, s.request.Pod)
		after := harvest(t, s.inject(t, raw).Pod())
		for number, was := range harvest(t, raw) {
			if len(after[number]) != 1 {
				continue // law 2 says
			}
			is := after[number][0].object
			for field, value := range was[0].object {
				at := was[0].path + "/" + field
				if rewritten(at) || field == "image" && value == "auto" {
					continue
				}
				switch value := value.(type) {
				case map[string]any:
				case []any:
					if !kept(value, is[field]) {
						t.Errorf("%s was %v and is %v", at, value, is[field])
					}
				default:
					if value != nil && value != is[field] {
						t.Errorf("%s was %v and is %v", at, value, is[field])
					}
				}
			}
		}
	})
}

// TestFixedPoint is law 4: an injected pod stays as it is; what another webhook
// adds to it gets what a fresh injection of the whole would give, and then it
// stays as it is again.
func TestFixedPoint(t *testing.T) {
	additions := map[string]func(pod map[string]any){
		"nothing":                      func(map[string]any) {},
		"a container at the end":       func(pod map[string]any) { appendTo(pod, "containers", stranger()) },
		"a container at the start":     func(pod map[string]any) { prependTo(pod, "containers", stranger()) },
		"an init container at the end": func(pod map[string]any) { appendTo(pod, "initContainers", stranger()) },
		"an init container first":      func(pod map[string]any) { prependTo(pod, "initContainers", stranger()) },
		"a label, annotation and volume": func(pod map[string]any) {
			metadata(pod)["labels"] = with(metadata(pod)["labels"], "stranger.example.com/a", "b")
			metadata(pod)["annotations"] = with(metadata(pod)["annotations"], "stranger.example.com/a", "b")
			appendTo(pod, "volumes", map[string]any{"name": "stranger", "emptyDir": map[string]any{}})
		},
	}
	each(t, "injected twice, the second patch empty", func(t *testing.T, s subject, once inject.Result) {
		for addition, add := range additions {
			changed := func(raw []byte) []byte {
				var pod map[string]any
				decode(t, raw, &pod)
				add(pod)
				return encode(t, pod)
			}
			fresh := s.inject(t, changed(s.request.Pod))
			second := s.inject(t, changed(once.Pod()))
			if addition == "nothing" && len(second.Patch) > 0 {
				t.Errorf("injecting the injected pod: patch %s", encode(t, second.Patch))
			}
			if diff := cmp.Diff(withoutOwn(t, fresh.Pod()), withoutOwn(t, second.Pod())); diff != "" {
				t.Errorf("%s: (-fresh injection +second call):\n%s", addition, diff)
			}
			if third := s.inject(t, second.Pod()); len(third.Patch) > 0 {
				t.Errorf("%s: the third call has the patch %s", addition, encode(t, third.Patch))
			}
		}
	})
}

// TestDeterministic is law 5: the same input gives the same bytes, and a patch
// adds: no operation rewrites an element that was there.
func TestDeterministic(t *testing.T) {
	first := subjects(t)
	injectors.Clear()
	again := subjects(t)
	for n, s := range first {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			once := s.inject(t, s.request.Pod)
			for range 5 {
				if got := s.inject(t, s.request.Pod); !bytes.Equal(encode(t, got.Patch), encode(t, once.Patch)) {
					t.Fatalf("the patch is once\n%s\nand once\n%s", encode(t, once.Patch), encode(t, got.Patch))
				}
			}
			if got := again[n].inject(t, s.request.Pod); !bytes.Equal(encode(t, got.Patch), encode(t, once.Patch)) {
				t.Errorf("another injector of the same configuration gives another patch")
			}
			addsOnly(t, s.request.Pod, once.Patch)
		})
	}
}

// addsOnly applies a patch step by step: a step may not touch a place twice, nor
// put something in the place of an object or of a list of objects.
func addsOnly(t *testing.T, raw []byte, ops []inject.Operation) {
	t.Helper()
	seen := map[string]bool{}
	for _, op := range ops {
		was, there := at(tree(t, raw), op.Path)
		inList := there && isIndex(op)
		if _, object := was.(map[string]any); object && !inList && op.Operation != "remove" {
			t.Errorf("%s %s is over an object that was there", op.Operation, op.Path)
		}
		if list, ok := was.([]any); ok && len(list) > 0 && !rewritten(op.Path) {
			if _, object := list[0].(map[string]any); object {
				t.Errorf("%s %s is over a list that was there", op.Operation, op.Path)
			}
		}
		if !inList && seen[op.Path] {
			t.Errorf("%s is written twice", op.Path)
		}
		seen[op.Path] = true
		raw = apply(t, raw, []inject.Operation{op})
	}
}

// isIndex says whether an operation inserts into a list.
func isIndex(op inject.Operation) bool {
	_, err := strconv.Atoi(path.Base(op.Path))
	return op.Operation == "add" && err == nil
}

// TestOneTruth is law 7: a workload's pod becomes the same offline and as the
// webhook, but for what the API server's pod has from its controller.
func TestOneTruth(t *testing.T) {
	for _, c := range cases(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			handler, manifests := c.handler(t), c.workloads(t)
			for i, pod := range c.Pods {
				w := manifests[i]
				s := c.subject(t, w.Namespace)
				s.request.Owner = w.Owner()
				offline := s.inject(t, w.Pod)
				raw := c.read(t, pod.Pod)
				response := post(t, handler, raw, pod.Namespace)
				var ops []inject.Operation
				if len(response.Patch) > 0 {
					decode(t, response.Patch, &ops)
				}
				want, got := templateOf(t, offline.Pod()), templateOf(t, apply(t, raw, ops))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-offline +webhook):\n%s", w, diff)
				}
			}
		})
	}
}

// templateOf is what of a pod its template decides.
func templateOf(t *testing.T, pod []byte) any {
	o := withoutOwn(t, pod).(map[string]any)
	meta := metadata(o)
	if labels, ok := meta["labels"].(map[string]any); ok {
		delete(labels, "pod-template-hash")
	}
	return map[string]any{"labels": meta["labels"], "annotations": meta["annotations"], "spec": typedSpec(t, o)}
}

// rewritings are the places in a pod that are documented to be rewritten, and
// nothing else of a user's may change.
var rewritings = map[string]*regexp.Regexp{
	"probes and handlers go through the agent": regexp.MustCompile(`/(readinessProbe|livenessProbe|startupProbe|lifecycle)/`),
	"prometheus is pointed at the agent":       regexp.MustCompile(`^metadata/annotations/prometheus\.(istio\.)?io/(port|path|scrape|scrape-targets)$`),
	"the CNI plugin is one network more":       regexp.MustCompile(`^metadata/annotations/k8s\.v1\.cni\.cncf\.io/networks$`),
	"OpenShift gives ids out by the namespace": regexp.MustCompile(`/\[istio-proxy\]/securityContext/runAs(User|Group)$`),
}

// rewritten says whether the place is one of those; in the form that walk and a
// JSON Pointer have.
func rewritten(place string) bool {
	place = strings.ReplaceAll(strings.TrimPrefix(place, "/"), "~1", "/")
	for _, r := range rewritings {
		if r.MatchString(place) {
			return true
		}
	}
	return false
}

func tree(t testing.TB, raw []byte) (v any) {
	t.Helper()
	decode(t, raw, &v)
	return v
}

func sameJSON(t testing.TB, a, b []byte) bool {
	return cmp.Equal(tree(t, a), tree(t, b))
}

func indented(t testing.TB, v any) []byte {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// apply applies a patch as the API server does.
func apply(t testing.TB, raw []byte, ops []inject.Operation) []byte {
	t.Helper()
	patch, err := jsonpatch.DecodePatch(encode(t, append([]inject.Operation{}, ops...)))
	if err != nil {
		t.Fatal(err)
	}
	out, err := patch.Apply(raw)
	if err != nil {
		t.Fatalf("the patch does not apply: %v\n%s", err, encode(t, ops))
	}
	return out
}
