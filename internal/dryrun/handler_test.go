package dryrun_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/internal/dryrun"
)

const enabledShop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
`

const pod = `
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: web:1}]}
`

// newHandler serves by the default profile, to this machine.
func newHandler(t testing.TB) http.Handler {
	t.Helper()
	runner := newRunner(t, enabledShop)
	return (&dryrun.Handler{
		Answer: runner.Answer, Log: slog.New(slog.DiscardHandler), Local: true,
		Live: func(ctx context.Context) (*dryrun.Live, error) { return runner.Live(ctx), nil },
	}).New()
}

// post asks, and returns the status and the body.
func post(h http.Handler, query, body string, change ...func(*http.Request)) (int, http.Header, string) {
	request := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8082/dryrun"+query, strings.NewReader(body))
	for _, c := range change {
		c(request)
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	return recorder.Code, recorder.Header(), recorder.Body.String()
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestFormsOfAnAnswer(t *testing.T) {
	h := newHandler(t)
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "application/yaml": "application/yaml", "text/plain": "text/plain; charset=utf-8",
		"text/html, application/json;q=0.9, */*;q=0.1": "application/json", "text/plain;q=0.2, application/yaml": "application/yaml",
	} {
		code, headers, body := post(h, "", pod, header("Accept", accept))
		if code != http.StatusOK || headers.Get("Content-Type") != want {
			t.Errorf("accept %q: %d, %s, want %s\n%.200s", accept, code, headers.Get("Content-Type"), want, body)
			continue
		}
		var answer dryrun.Answer
		if want == "text/plain; charset=utf-8" {
			if !strings.Contains(body, "Pod shop/web: INJECT, policy") {
				t.Errorf("text:\n%s", body)
			}
		} else if err := yaml.UnmarshalStrict([]byte(body), &answer); err != nil || answer.Pods[0].Outcome.Verdict != "inject" {
			t.Errorf("accept %q: %v\n%.200s", accept, err, body)
		}
	}
}

// A Question and the URL's parameters ask the same.
func TestQuestionAndParametersAskTheSame(t *testing.T) {
	h := newHandler(t)
	manifest := strings.Replace(pod, ", namespace: shop", "", 1)
	query := url.Values{
		"namespace": {"plain"}, "label": {"istio.io/rev=canary", "team=a"}, "annotation": {"a=b=c"}, "revision": {"canary"},
		"nativeSidecars": {"false"}, "path": {"/inject/cluster/c1"},
	}
	question, err := json.Marshal(dryrun.Question{
		APIVersion: dryrun.APIVersion, Kind: dryrun.QuestionKind, Manifest: manifest, Revision: "canary", NativeSidecars: "false", Path: "/inject/cluster/c1",
		Namespace: dryrun.AskedNamespace{Name: "plain", Labels: map[string]string{"istio.io/rev": "canary", "team": "a"}, Annotations: map[string]string{"a": "b=c"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := make([]dryrun.Answer, 2)
	for i, asked := range []struct{ query, body string }{{"?" + query.Encode(), manifest}, {"", string(question)}} {
		code, _, body := post(h, asked.query, asked.body)
		if code != http.StatusOK {
			t.Fatalf("%d: %s", code, body)
		}
		if err := json.Unmarshal([]byte(body), &answers[i]); err != nil {
			t.Fatal(err)
		}
		answers[i].Timings = nil
		for j := range answers[i].Pods {
			answers[i].Pods[j].Timings = nil
		}
	}
	if diff := cmp.Diff(answers[0], answers[1]); diff != "" {
		t.Errorf("(-parameters +question):\n%s", diff)
	}
	got := answers[0]
	if diff := cmp.Diff([]string{"revision", "nativeSidecars", "path"}, got.Configuration.Assumed); diff != "" || got.Configuration.Revision != "canary" {
		t.Errorf("revision %s, assumed (-want +got):\n%s", got.Configuration.Revision, diff)
	}
}

// Whatever is wrong with a question, the answer is a 4xx that says what, in the form
// that was asked for.
func TestQuestionsThatAreRefused(t *testing.T) {
	h := newHandler(t)
	deep := strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000)
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i, c := range "bcdefghi" {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string("abcdefgh"[i])+",", 9), ",") + "]\n"
	}
	for name, c := range map[string]struct {
		query, body string
		change      func(*http.Request)
		code        int
		says        string
	}{
		"nothing":               {"", "", nil, 422, "is empty"},
		"no YAML":               {"", "a: b: c", nil, 422, "document 1: line 1, column 1: mapping values"},
		"no manifest":           {"", "hello", nil, 422, "no kind, want a manifest"},
		"broken JSON":           {"", "{\"kind\": \"Pod\",\n \"spec\": }}", nil, 422, "line 2, column 10"},
		"nested deeply":         {"", deep, nil, 422, "document 1"},
		"nested in YAML":        {"", "kind: Pod\napiVersion: v1\nspec: " + strings.Repeat("[", 20000), nil, 422, "document 1"},
		"an alias bomb":         {"", "kind: Pod\n" + bomb, nil, 422, "document 1"},
		"too large":             {"", "kind: " + strings.Repeat("x", 3<<20), nil, 413, "want at most 3145728"},
		"far too large":         {"", strings.Repeat("x", 7<<20), nil, 413, "want at most that many"},
		"too many values":       {"", strings.Repeat("- a\n", 200_000), nil, 413, "values, want at most 100000"},
		"too many pods":         {"", strings.Repeat("---\nkind: Pod\napiVersion: v1\nspec: {}\n", 300), nil, 413, "more than 200 pods"},
		"a pod of other types":  {"", "kind: Pod\napiVersion: v1\nspec:\n  containers: none\n", nil, 422, "line 4, column 15: Pod default/: spec.containers: string"},
		"not UTF-8":             {"", "kind: \xff", nil, 422, "not UTF-8"},
		"UTF-16":                {"", "\xff\xfek\x00", nil, 422, "UTF-16"},
		"a parameter":           {"?templates=x", pod, nil, 400, `parameter "templates": is unknown`},
		"a parameter twice":     {"?revision=a&revision=b", pod, nil, 400, "want it once"},
		"a namespace":           {"?namespace=A%00", pod, nil, 400, "namespace"},
		"a label":               {"?label=x", pod, nil, 400, "want KEY=VALUE"},
		"a label's value":       {"?label=a=b%20c", pod, nil, 400, "label"},
		"an annotation's key":   {"?annotation=a%20b=c", pod, nil, 400, "annotation"},
		"a revision":            {"?revision=../x", pod, nil, 400, "revision"},
		"native sidecars":       {"?nativeSidecars=maybe", pod, nil, 400, "want auto, true or false"},
		"a version":             {"?kubernetesVersion=new", pod, nil, 400, "want one like 1.33"},
		"a path":                {"?path=/inject/odd", pod, nil, 400, "want /inject/KEY/VALUE"},
		"a Question's field":    {"", "apiVersion: dryrun.outrigger.dev/v1\nkind: Question\ntemplates: {}\n", nil, 400, "templates"},
		"another version":       {"", "apiVersion: dryrun.outrigger.dev/v2\nkind: Question\n", nil, 400, "want dryrun.outrigger.dev/v1"},
		"a review of no pod":    {"", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}`, nil, 422, "no request with an object"},
		"a form":                {"", pod, header("Content-Type", "multipart/form-data; boundary=x"), 415, "--data-binary"},
		"another form":          {"", pod, header("Accept", "image/png"), 406, "want application/json"},
		"a GET":                 {"", "", func(r *http.Request) { r.Method = http.MethodGet }, 405, "want POST"},
		"another name of ours":  {"", pod, func(r *http.Request) { r.Host = "evil.example.com" }, 403, "want localhost"},
		"another site's script": {"", pod, header("Sec-Fetch-Site", "cross-site"), 403, ""},
	} {
		t.Run(name, func(t *testing.T) {
			change := c.change
			if change == nil {
				change = func(*http.Request) {}
			}
			code, _, body := post(h, c.query, c.body, header("Accept", "text/plain"), change)
			if code != c.code || !strings.Contains(body, c.says) {
				t.Errorf("%d %.300s, want %d and %q", code, body, c.code, c.says)
			}
			if len(body) > 16<<10 {
				t.Errorf("%d bytes to say so", len(body))
			}
		})
	}
}

func TestFaultsAsJSON(t *testing.T) {
	_, headers, body := post(newHandler(t), "", "kind: A\n---\na: b: c\n---\n- a\n")
	var got dryrun.Faults
	if err := json.Unmarshal([]byte(body), &got); err != nil || headers.Get("Content-Type") != "application/json" {
		t.Fatalf("%v\n%s", err, body)
	}
	want := dryrun.Faults{APIVersion: dryrun.APIVersion, Kind: "Errors", Code: 422, Errors: []dryrun.Fault{
		{Document: 2, Line: 3, Column: 1, Message: "mapping values are not allowed in this context"},
		{Document: 3, Line: 5, Column: 1, Message: "no kind, want a manifest"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Who comes from elsewhere needs a token, and the right.
func TestAuthorized(t *testing.T) {
	var asked []string
	h := dryrun.Authorized(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "in") }),
		func(_ context.Context, token, verb, path string) (string, bool, error) {
			asked = append(asked, verb+" "+path)
			switch token {
			case "alice":
				return "alice", true, nil
			case "bob":
				return "bob", false, nil
			case "down":
				return "", false, context.DeadlineExceeded
			}
			return "", false, dryrun.ErrUnknownToken
		})
	for authorization, want := range map[string]int{
		"": 401, "Basic YTpi": 401, "Bearer ": 401, "Bearer nobody": 401, "Bearer bob": 403, "Bearer down": 503, "Bearer alice": 200, "bearer alice": 200,
	} {
		code, _, body := post(h, "", pod, header("Authorization", authorization))
		if code != want || (body == "in") != (want == 200) {
			t.Errorf("%q: %d %q, want %d", authorization, code, body, want)
		}
	}
	for _, what := range asked {
		if what != "post /dryrun" {
			t.Errorf("asked about %q", what)
		}
	}
}

func TestLive(t *testing.T) {
	request := httptest.NewRequest(http.MethodGet, "http://localhost/live", nil)
	recorder := httptest.NewRecorder()
	newHandler(t).ServeHTTP(recorder, request)
	var live dryrun.Live
	if err := json.Unmarshal(recorder.Body.Bytes(), &live); err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("%d, %v", recorder.Code, err)
	}
	var templates []string
	for _, template := range live.Templates {
		if template.Source != "built-in" {
			t.Errorf("%s is of the %s", template.Name, template.Source)
		}
		templates = append(templates, template.Name)
	}
	if diff := cmp.Diff([]string{"gateway", "grpc-agent", "grpc-simple", "sidecar"}, templates); diff != "" {
		t.Errorf("templates (-want +got):\n%s", diff)
	}
	if len(live.Webhooks) != 6 || !live.Webhooks[0].Ours {
		t.Errorf("webhooks: %v", live.Webhooks)
	}
}

func TestRecents(t *testing.T) {
	var recents dryrun.Recents
	for i := range 150 {
		recents.Note(dryrun.Recent{Owner: string(rune('a' + i%26)), Reason: strings.Repeat("x", i)})
	}
	list := recents.List()
	if len(list) != 100 || len(list[0].Reason) != 149 || len(list[99].Reason) != 50 {
		t.Errorf("%d decisions, the first %d, the last %d", len(list), len(list[0].Reason), len(list[99].Reason))
	}
	again := list[50]
	again.Time = ""
	recents.Note(again)
	if now := recents.List(); len(now) != 100 || now[0].Reason != again.Reason || now[1].Reason != list[0].Reason {
		t.Errorf("noted again: %d decisions, the first %d, want it to be the newest", len(now), len(now[0].Reason))
	}
}

// Whatever the bytes, there is an answer or a 4xx.
func FuzzAnswer(f *testing.F) {
	h := newHandler(f)
	f.Add(pod, "?namespace=shop")
	f.Add("a: &a [*a]", "?label=a=b")
	f.Fuzz(func(t *testing.T, body, query string) {
		parsed, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
		if err != nil {
			return
		}
		code, _, said := post(h, "?"+parsed.Encode(), body)
		if code != http.StatusOK && code/100 != 4 {
			t.Errorf("%d: %s", code, said)
		}
	})
}
