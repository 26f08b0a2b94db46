package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

// TestConformance runs every case offline and as the webhook, and says how many
// passed.
func TestConformance(t *testing.T) {
	all := cases(t)
	program := build(t)
	var offline, asWebhook tally
	t.Run("offline", func(t *testing.T) {
		for _, c := range all {
			if c.Offline {
				offline.count(t, c.name, func(t *testing.T) { runOffline(t, program, c) })
			}
		}
	})
	t.Run("webhook", func(t *testing.T) {
		for _, c := range all {
			for i := range c.Pods {
				asWebhook.count(t, fmt.Sprintf("%s/pod-%d", c.name, i), func(t *testing.T) { runWebhook(t, c, i) })
			}
		}
	})
	t.Attr("summary", fmt.Sprintf("%d cases: %s offline, %s as the webhook", len(all), offline, asWebhook))
}

// A tally counts what passed.
type tally struct{ passed, run int }

func (c *tally) count(t *testing.T, name string, test func(*testing.T)) {
	c.run++
	if t.Run(name, test) {
		c.passed++
	}
}

func (c tally) String() string { return fmt.Sprintf("%d of %d", c.passed, c.run) }

// build builds the real program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "outrigger")
	command := exec.Command("go", "build", "-o", program, "./cmd/outrigger")
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/outrigger: %v\n%s", err, out)
	}
	return program
}

// runOffline runs "outrigger inject" on the case's input.
func runOffline(t *testing.T, program string, c testCase) {
	args := []string{"inject", "-f", c.Input,
		"--config", c.Config, "--values", c.Values, "--mesh-config", c.Mesh,
		"--native-sidecars", strconv.FormatBool(c.NativeSidecars)}
	if c.Platform != "" {
		args = append(args, "--platform", c.Platform)
	}
	if c.CompliancePolicy != "" {
		args = append(args, "--compliance-policy", c.CompliancePolicy)
	}
	if c.NamespaceFile != "" {
		args = append(args, "--namespace-file", c.NamespaceFile)
	}
	var stdout, stderr bytes.Buffer
	command := exec.Command(program, args...)
	command.Dir, command.Stdout, command.Stderr = c.dir, &stdout, &stderr
	err := command.Run()
	for _, word := range c.WantWarnings {
		if !strings.Contains(stderr.String(), word) {
			t.Errorf("want %q on standard error, got:\n%s", word, &stderr)
		}
	}
	if c.WantError != "" {
		if command.ProcessState.ExitCode() != 1 || !strings.Contains(strings.ToLower(stderr.String()), strings.ToLower(c.WantError)) {
			t.Errorf("exit status %d, want 1 and %q on standard error, got:\n%s", command.ProcessState.ExitCode(), c.WantError, &stderr)
		}
		return
	}
	if err != nil {
		t.Fatalf("outrigger inject: %v\n%s", err, &stderr)
	}
	want, got := yamlDocuments(t, c.read(t, c.Want)), yamlDocuments(t, stdout.Bytes())
	if len(want) != len(got) {
		t.Fatalf("got %d documents, want %d", len(got), len(want))
	}
	for i := range want {
		compareManifests(t, want[i], got[i])
	}
}

// runWebhook posts a review of one of the case's pods to the handler.
func runWebhook(t *testing.T, c testCase, n int) {
	pod := c.Pods[n]
	raw := c.read(t, pod.Pod)
	response := post(t, c.handler(t), raw, pod.Namespace)
	if !response.Allowed {
		t.Fatalf("refused: %s", response.Result.Message)
	}
	patched := raw
	if len(response.Patch) > 0 {
		patch, err := jsonpatch.DecodePatch(response.Patch)
		if err != nil {
			t.Fatal(err)
		}
		if patched, err = patch.Apply(raw); err != nil {
			t.Fatalf("patch: %v\n%s", err, response.Patch)
		}
	}
	var want, got corev1.Pod
	decode(t, c.read(t, pod.Want), &want)
	decode(t, patched, &got)
	compare(t, &want, &got)
}

// handler is the webhook as the server wires it, with the case's configuration.
func (c testCase) handler(t testing.TB) http.Handler {
	in := c.injector(t)
	reviews := webhook.NewReviews(
		func() webhook.Injector { return in },
		webhook.Cluster{
			Namespaces: fixedNamespaces(c.namespaces(t)),
			Native:     inject.Native{Supported: c.NativeSidecars, Why: "the case says so"}.Everywhere,
		},
	)
	return &webhook.Handler{Reviewer: reviews, Revision: "default", Log: slog.New(slog.DiscardHandler)}
}

// fixedNamespaces are all the namespaces there are.
type fixedNamespaces map[string]inject.Namespace

func (f fixedNamespaces) Cached(name string) (inject.Namespace, bool) {
	ns, ok := f[name]
	return ns, ok
}

func (f fixedNamespaces) Live(_ context.Context, name string) (inject.Namespace, error) {
	return inject.Namespace{Name: name, Unknown: true}, nil
}

// post asks a handler about the creation of a pod.
func post(t testing.TB, handler http.Handler, pod []byte, namespace string) *admissionv1.AdmissionResponse {
	t.Helper()
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request: &admissionv1.AdmissionRequest{
			UID:       "3a9b",
			Kind:      metav1.GroupVersionKind{Version: "v1", Kind: "Pod"},
			Resource:  metav1.GroupVersionResource{Version: "v1", Resource: "pods"},
			Namespace: namespace,
			Operation: admissionv1.Create,
			Object:    runtime.RawExtension{Raw: pod},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodPost, "/inject", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	var review admissionv1.AdmissionReview
	if answer.Code != http.StatusOK {
		t.Fatalf("HTTP %d: %s", answer.Code, answer.Body)
	}
	decode(t, answer.Body.Bytes(), &review)
	if review.Response == nil || review.Response.UID != "3a9b" {
		t.Fatalf("no response with the UID asked with: %s", answer.Body)
	}
	return review.Response
}
