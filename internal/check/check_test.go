package check_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certmanagerfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"outrigger.dev/outrigger/internal/check"
)

var of = check.Installation{Namespace: "outrigger-system", Revision: "default"}

// bundle is an authority, good until then.
func bundle(t *testing.T, until time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.Add(-time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: of.Namespace, Name: name, Labels: map[string]string{
		"app.kubernetes.io/name": "outrigger-injector", "outrigger.dev/revision": of.Revision,
	}}
}

// hook is a webhook configuration with an entry for each bundle, and one for canaries that
// is switched on.
func hook(issuedFrom string, bundles ...[]byte) *admissionv1.MutatingWebhookConfiguration {
	h := &admissionv1.MutatingWebhookConfiguration{ObjectMeta: meta("outrigger-injector")}
	h.Namespace = ""
	if issuedFrom != "" {
		h.Annotations = map[string]string{"cert-manager.io/inject-ca-from": issuedFrom}
	}
	for n, text := range bundles {
		name := fmt.Sprintf("entry-%d", n)
		if n == len(bundles)-1 {
			name = check.CanaryEntry
		}
		h.Webhooks = append(h.Webhooks, admissionv1.MutatingWebhook{Name: name, ClientConfig: admissionv1.WebhookClientConfig{CABundle: text}})
	}
	return h
}

func deployment(ready, want int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: meta("outrigger-injector"), Spec: appsv1.DeploymentSpec{Replicas: new(want)}, Status: appsv1.DeploymentStatus{ReadyReplicas: ready},
	}
}

func endpoints(ready bool) *discoveryv1.EndpointSlice {
	m := meta("outrigger-injector-x")
	m.Labels[discoveryv1.LabelServiceName] = "outrigger-injector"
	return &discoveryv1.EndpointSlice{ObjectMeta: m, Endpoints: []discoveryv1.Endpoint{
		{Addresses: []string{"10.0.0.1"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}},
	}}
}

// certificate waits for its issuer, unless it is issued.
func certificate(issued bool) *certmanagerv1.Certificate {
	c := &certmanagerv1.Certificate{ObjectMeta: meta("outrigger-injector")}
	c.Status.Conditions = []certmanagerv1.CertificateCondition{
		{Type: "Ready", Status: "False", Reason: "DoesNotExist", Message: "Issuing certificate as Secret does not exist"},
		{Type: "Issuing", Status: "True", Reason: "DoesNotExist", Message: "Issuing certificate as Secret does not exist"},
	}
	if issued {
		c.Status.Conditions = []certmanagerv1.CertificateCondition{{Type: "Ready", Status: "True", Reason: "Ready", Message: "up to date"}}
	}
	return c
}

// request is one that waits for an issuer, and says so.
func request(name string) *certmanagerv1.CertificateRequest {
	r := &certmanagerv1.CertificateRequest{ObjectMeta: meta(name)}
	r.Annotations = map[string]string{certmanagerv1.CertificateNameKey: "outrigger-injector"}
	r.Spec.IssuerRef = certmanagermetav1.IssuerReference{Name: "mine", Kind: "Issuer", Group: "cert-manager.io"}
	r.Status.Conditions = []certmanagerv1.CertificateRequestCondition{{Type: "Ready", Status: "False", Message: name + " waits for the issuer"}}
	return r
}

func issuer() *certmanagerv1.Issuer {
	i := &certmanagerv1.Issuer{ObjectMeta: meta("mine")}
	i.Status.Conditions = []certmanagerv1.IssuerCondition{{Type: "Ready", Status: "False", Message: "has no Secret"}}
	return i
}

// The findings, a line each as level, check, reason and text, with "|" between them.
func TestFindings(t *testing.T) {
	good, expired := bundle(t, time.Now().Add(time.Hour)), bundle(t, time.Now().Add(-time.Hour))
	well := []runtime.Object{hook("", good, good), deployment(2, 2), endpoints(true)}
	for sentence, tc := range map[string]struct {
		kubernetes, certManager []runtime.Object
		// answers says what becomes of the pod that asks.
		answers error
		want    []string
		cure    string
	}{
		"all is well": {kubernetes: well, want: []string{
			`ok|webhook||2 entries in outrigger-injector`, `ok|caBundle||the same in 2 entries`,
			`ok|server||deployment "outrigger-system/outrigger-injector": 2 of 2 replicas are ready`,
			`ok|server||service "outrigger-system/outrigger-injector": leads to 1 addresses`,
			`ok|canary||the API server reaches the webhook, asked by a dry run in namespace "outrigger-system"`,
		}},
		"nothing is installed": {want: []string{
			`error|webhook|no-webhook|there is no webhook configuration of revision "default": nothing is injected`,
		}, cure: "webhook.create=true"},
		"a bundle is missing": {kubernetes: []runtime.Object{hook("", good, nil), deployment(1, 2), endpoints(false)}, want: []string{
			`error|caBundle|ca-bundle-empty|there is none in 1 of 2 entries, the first outrigger-injector ` + check.CanaryEntry,
			`warning|server|replicas-missing|deployment "outrigger-system/outrigger-injector": 1 of 2 replicas are ready`,
			`error|server|no-endpoints|service "outrigger-system/outrigger-injector": leads nowhere: no replica behind it is ready`,
		}, cure: "the server writes it"},
		"a bundle has expired": {kubernetes: []runtime.Object{hook("", expired, good), deployment(2, 2), endpoints(true)}, want: []string{
			`error|caBundle|ca-bundle-expired|`,
		}},
		"a bundle is no certificate": {kubernetes: []runtime.Object{hook("", good, []byte("x")), deployment(2, 2), endpoints(true)}, want: []string{
			`error|caBundle|ca-bundle-broken|CA bundle: not a PEM certificate in 1 of 2 entries`,
		}},
		"bundles differ": {kubernetes: []runtime.Object{hook("", good, bundle(t, time.Now().Add(time.Hour))), deployment(2, 2), endpoints(true)}, want: []string{
			`warning|caBundle|ca-bundle-differs|`,
		}},
		"the server is elsewhere": {kubernetes: []runtime.Object{hook("", good, good)}, want: []string{
			`error|server|no-server|deployment "outrigger-system/outrigger-injector": does not exist`,
		}, cure: "--namespace"},
		"it is scaled away": {kubernetes: []runtime.Object{hook("", good, good), deployment(0, 0)}, want: []string{
			`error|server|no-replicas|`,
		}, cure: "kubectl -n outrigger-system scale deployment outrigger-injector --replicas=2"},
		"a certificate waits for its issuer": {
			kubernetes:  []runtime.Object{hook("outrigger-system/outrigger-injector", nil, nil), deployment(2, 2), endpoints(true)},
			certManager: []runtime.Object{certificate(false), request("outrigger-injector-1"), request("outrigger-injector-2"), issuer()},
			want: []string{
				`error|caBundle|ca-bundle-empty|`,
				`error|certificate|certificate-not-ready|certificate "outrigger-system/outrigger-injector": is being issued: ` +
					`Issuing certificate as Secret does not exist: outrigger-injector-2 waits for the issuer: issuer "outrigger-system/mine": has no Secret`,
			}, cure: "cainjector",
		},
		"a certificate is issued": {
			kubernetes:  append([]runtime.Object{hook("outrigger-system/outrigger-injector", good, good)}, well[1:]...),
			certManager: []runtime.Object{certificate(true)},
			want:        []string{`ok|certificate||certificate "outrigger-system/outrigger-injector" is issued`},
		},
		"the webhook is not reached": {
			kubernetes: well, answers: errors.New(`Internal error occurred: failed calling webhook "canary.injector.outrigger.dev": failed to call webhook: Post "https://x": no endpoints available for service "outrigger-injector"`),
			want: []string{`error|canary|no-endpoints|the API server does not reach the webhook: Internal error occurred: failed calling webhook`},
			cure: "kubectl -n outrigger-system get pods",
		},
		"somebody may not create pods": {
			kubernetes: well, answers: errors.New(`pods is forbidden: User "x" cannot create resource "pods" in API group "" in the namespace "outrigger-system"`),
			want: []string{`warning|canary|forbidden|`}, cure: "kubectl auth can-i create pods -n outrigger-system",
		},
		"a policy refuses the pod": {
			kubernetes: well, answers: errors.New(`admission webhook "policy" denied the request: no`), want: []string{`warning|canary|refused-by-others|`},
		},
		"the entry is not there": {
			kubernetes: well, answers: errNobody, want: []string{`error|canary|not-called|`}, cure: "helm upgrade",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			client := fake.NewClientset(tc.kubernetes...)
			client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
				pod := a.(clienttesting.CreateAction).GetObject().(*corev1.Pod).DeepCopy()
				if tc.answers == errNobody {
					return true, pod, nil
				}
				pod.Annotations["outrigger.dev/canary"] = "answered"
				return true, pod, tc.answers
			})
			c := &check.Cluster{Kubernetes: client, CertManager: certmanagerfake.NewClientset(tc.certManager...).CertmanagerV1()}
			var got []string
			var cures string
			for _, f := range c.Check(t.Context(), of) {
				got = append(got, strings.Join([]string{string(f.Level), f.Check, f.Reason, f.Text}, "|"))
				cures += f.Cure + "\n"
			}
			wantLines(t, tc.want, got)
			if !strings.Contains(cures, tc.cure) {
				t.Errorf("cures:\n%swant one with %q", cures, tc.cure)
			}
		})
	}
}

// errNobody stands for a pod that is accepted and that nobody has answered.
var errNobody = errors.New("nobody")

// wantLines wants a line that begins with each of want, in this order, and none besides
// that is no "ok".
func wantLines(t *testing.T, want, got []string) {
	t.Helper()
	var seen []string
	for _, line := range got {
		for _, w := range want {
			if strings.HasPrefix(line, w) {
				line = w
			}
		}
		wanted := len(want) > len(seen) && want[len(seen)] == line
		if wanted || !strings.HasPrefix(line, "ok|") {
			seen = append(seen, line)
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s\nall:\n%s", diff, strings.Join(got, "\n"))
	}
}

// Where the entry for canaries is switched off a pod is asked for in the namespace that is
// named, which nothing has to be looked up for.
func TestPodIsAskedForWhereItIsSaid(t *testing.T) {
	good := bundle(t, time.Now().Add(time.Hour))
	off := hook("", good)
	off.Webhooks[0].Name = "other"
	client := fake.NewClientset(off, deployment(1, 1), endpoints(true))
	client.PrependReactor("list", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("namespaces are looked up")
	})
	client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		pod := a.(clienttesting.CreateAction).GetObject().(*corev1.Pod).DeepCopy()
		pod.Annotations = map[string]string{"outrigger.dev/injection": "{}"}
		return true, pod, nil
	})
	in := of
	in.Ask = "quiet"
	findings := (&check.Cluster{Kubernetes: client, CertManager: certmanagerfake.NewClientset().CertmanagerV1()}).Check(t.Context(), in)
	want := check.Finding{Check: "canary", Level: check.OK, Text: `the API server reaches the webhook, asked by a dry run in namespace "quiet"`}
	if diff := cmp.Diff(want, findings[len(findings)-1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// It is looked at again until nothing is as bad as that, and for no longer than it may.
func TestAwait(t *testing.T) {
	good := bundle(t, time.Now().Add(time.Hour))
	client := fake.NewClientset(hook("", good, good), endpoints(true))
	c := &check.Cluster{Kubernetes: client, CertManager: certmanagerfake.NewClientset().CertmanagerV1()}
	client.PrependReactor("create", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		pod := a.(clienttesting.CreateAction).GetObject().(*corev1.Pod).DeepCopy()
		pod.Annotations["outrigger.dev/canary"] = "answered"
		return true, pod, nil
	})
	found, err := c.Await(t.Context(), of, check.Error, 0)
	if err != nil || check.Worst(found) != check.Error {
		t.Errorf("found %v, %v, want that there is no Deployment", found, err)
	}
	looked := 0
	client.PrependReactor("get", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
		looked++
		return looked > 1, deployment(1, 1), nil
	})
	if found, err = c.Await(t.Context(), of, check.Error, time.Hour); err != nil || check.Worst(found) != check.OK || looked != 2 {
		t.Errorf("found %v, %v, after %d looks, want that all is well after 2", found, err, looked)
	}
}

func TestWriteText(t *testing.T) {
	var out strings.Builder
	err := check.WriteText(&out, []check.Finding{
		{Check: "server", Level: check.OK, Text: "here"}, {Check: "canary", Level: check.Error, Text: "a\nb\x1b[2J", Cure: "do\tit"},
	})
	if diff := cmp.Diff("ok: server: here\nerror: canary: a b [2J\nhint: do it\n", out.String()); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestLevels(t *testing.T) {
	for _, tc := range []struct {
		levels []check.Level
		want   check.Level
	}{
		{nil, check.OK},
		{[]check.Level{check.Note, check.OK}, check.Note},
		{[]check.Level{check.Warning, check.Error, check.Note}, check.Error},
	} {
		var findings []check.Finding
		for _, level := range tc.levels {
			findings = append(findings, check.Finding{Level: level})
		}
		if got := check.Worst(findings); got != tc.want {
			t.Errorf("%v: worst is %s, want %s", tc.levels, got, tc.want)
		}
	}
}
