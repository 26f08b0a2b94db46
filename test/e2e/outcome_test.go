package e2e_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// caller calls a server as the API server does: by the CA bundle that is in the
// webhook configuration, over HTTP/1.1.
func caller(t *testing.T, server *injector.Injector) *http.Client {
	t.Helper()
	config, err := cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().Get(within(t), server.Name(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(config.Webhooks[0].ClientConfig.CABundle) {
		t.Fatal("there is no CA bundle")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, NextProtos: []string{"http/1.1"}}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// review is what the API server would send about a pod, in JSON.
func review(version, namespace, pod string) string {
	return `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/` + version + `","request":{"uid":"the-uid",` +
		`"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},` +
		`"namespace":"` + namespace + `","operation":"CREATE","userInfo":{},"object":` + pod + `,"oldObject":null,"dryRun":false}}`
}

// podWith is a pod with metadata and spec besides its container.
func podWith(metadata, spec string) string {
	return `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"` + metadata + `},"spec":{"containers":[{"name":"a","image":"b"}]` + spec + `}}`
}

// The rows of the outcome table, on the server as it runs.
func TestEveryOutcomeOverTheWire(t *testing.T) {
	t.Parallel()
	client := caller(t, first)
	namespace := newNamespace(t, enabled)
	elsewhere := newNamespace(t, nil)
	// outcome is what the API server makes its decision from.
	type outcome struct {
		Code           int
		UID            string
		Allowed, Patch bool
		Status         int32
		Reason         string
	}
	const size = 7 << 20
	for name, c := range map[string]struct {
		method, contentType, body string
		want                      outcome
	}{
		"inject": {
			body: review("v1", namespace, podWith("", "")),
			want: outcome{Code: 200, UID: "the-uid", Allowed: true, Patch: true, Reason: "policy"},
		},
		"inject, asked in v1beta1": {
			body: review("v1beta1", namespace, podWith("", "")),
			want: outcome{Code: 200, UID: "the-uid", Allowed: true, Patch: true, Reason: "policy"},
		},
		"skip": {
			body: review("v1", namespace, podWith("", `,"hostNetwork":true`)),
			want: outcome{Code: 200, UID: "the-uid", Allowed: true, Reason: "host-network"},
		},
		"skip what a widened selector would bring": {
			body: review("v1", elsewhere, podWith("", "")),
			want: outcome{Code: 200, UID: "the-uid", Allowed: true, Reason: "namespace-not-enabled"},
		},
		"deny an unknown template": {
			body: review("v1", namespace, podWith(`,"annotations":{"inject.istio.io/templates":"nope"}`, "")),
			want: outcome{Code: 200, UID: "the-uid", Status: 422, Reason: "unknown-template"},
		},
		"deny a bad value of an annotation": {
			body: review("v1", namespace, podWith(`,"annotations":{"traffic.sidecar.istio.io/includeInboundPorts":"1;2"}`, "")),
			want: outcome{Code: 200, UID: "the-uid", Status: 422, Reason: "bad-annotation"},
		},
		"a pod that is none":   {body: review("v1", namespace, `[1,2]`), want: outcome{Code: 500}},
		"a review cut short":   {body: review("v1", namespace, podWith("", ""))[:150], want: outcome{Code: 400}},
		"no review":            {body: `{"kind":"Pod","apiVersion":"v1"}`, want: outcome{Code: 400}},
		"no JSON":              {body: "\x00\xff", want: outcome{Code: 400}},
		"nothing":              {body: "", want: outcome{Code: 400}},
		"nested without end":   {body: strings.Repeat("[", 1<<20), want: outcome{Code: 400}},
		"a review of 7 MiB":    {body: review("v1", namespace, podWith("", "")) + strings.Repeat(" ", size), want: outcome{Code: 413}},
		"another content type": {contentType: "application/yaml", body: review("v1", namespace, podWith("", "")), want: outcome{Code: 415}},
		"another method":       {method: http.MethodPut, body: review("v1", namespace, podWith("", "")), want: outcome{Code: 405}},
		"another character set, as proxies add it": {
			contentType: "application/json; charset=utf-8", body: review("v1", namespace, podWith("", "")),
			want: outcome{Code: 200, UID: "the-uid", Allowed: true, Patch: true, Reason: "policy"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method, contentType := http.MethodPost, "application/json"
			if c.method != "" {
				method = c.method
			}
			if c.contentType != "" {
				contentType = c.contentType
			}
			request, err := http.NewRequestWithContext(within(t), method, first.URL()+"/inject?timeout=5s", bytes.NewReader([]byte(c.body)))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", contentType)
			response, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := outcome{Code: response.StatusCode}
			if got.Code == http.StatusOK {
				var answer admissionv1.AdmissionReview
				if err := json.Unmarshal(body, &answer); err != nil {
					t.Fatal(err)
				}
				r := answer.Response
				got.UID, got.Allowed, got.Patch, got.Reason = string(r.UID), r.Allowed, len(r.Patch) > 0, r.AuditAnnotations["reason"]
				if r.Result != nil {
					got.Status = r.Result.Code
				}
				if (len(r.Patch) > 0) != (r.PatchType != nil) {
					t.Error("patch and patchType do not go together")
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, body)
			}
		})
	}
}
