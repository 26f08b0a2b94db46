package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// configurationOf is the webhook configuration of an installation.
func configurationOf(t *testing.T, i *injector.Injector) *admissionv1.MutatingWebhookConfiguration {
	t.Helper()
	c, err := cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().Get(within(t), i.Name(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// authorityOf is the Secret with an installation's authority.
func authorityOf(t *testing.T, i *injector.Injector) *corev1.Secret {
	t.Helper()
	name := strings.Replace(i.Name(), "outrigger-injector", "outrigger-injector-authority", 1)
	s, err := cluster.Client().CoreV1().Secrets(injector.Namespace).Get(within(t), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// until polls until something is so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx := within(t)
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// awaitCertificates waits for what /readyz says of the certificate and the CA bundle.
func awaitCertificates(t *testing.T, i *injector.Injector, wanted func(certificate, bundle injector.Check) bool) {
	t.Helper()
	err := i.Await(within(t), func(r injector.Readiness) bool { return wanted(r.Checks["certificate"], r.Checks["caBundle"]) })
	if err != nil {
		t.Fatal(err)
	}
}

// shown is the certificate that a server shows to one who trusts the CA bundle.
func shown(t *testing.T, i *injector.Injector) *x509.Certificate {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(configurationOf(t, i).Webhooks[0].ClientConfig.CABundle)
	conn, err := tls.Dial("tcp", strings.TrimPrefix(i.URL(), "https://"), &tls.Config{RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

// Five replicas start at once where nothing is: one of them makes the authority, the
// others take it over, and each has a leaf of its own.
func TestReplicasThatStartTogetherAgree(t *testing.T) {
	t.Parallel()
	first := prepare(t, injector.Options{Revision: "together"})
	replicas := []*injector.Injector{first}
	for n := range 4 {
		replica, err := first.Replica(n + 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = replica.Kill() })
		replicas = append(replicas, replica)
	}
	for _, r := range replicas {
		if err := r.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	serials := map[string]bool{}
	for _, r := range replicas {
		awaitCertificates(t, r, func(_, bundle injector.Check) bool { return bundle.Ready })
		serials[shown(t, r).SerialNumber.String()] = true
	}
	if len(serials) != len(replicas) {
		t.Errorf("%d certificates of %d replicas", len(serials), len(replicas))
	}
	authority := authorityOf(t, first).Data[corev1.TLSCertKey]
	for _, entry := range configurationOf(t, first).Webhooks {
		if !bytes.Equal(entry.ClientConfig.CABundle, authority) {
			t.Errorf("entry %q trusts something else than the authority", entry.Name)
		}
	}
	wantWrites(t, first, 1)
}

// wantWrites wants so many writes to an installation's Secret and to its webhook
// configuration, in all its life.
func wantWrites(t *testing.T, i *injector.Injector, want int) {
	t.Helper()
	secret := authorityOf(t, i).Name
	counted := map[string]int{}
	wrote := func(e controlplane.AuditEvent) bool {
		return e.Verb == "patch" && e.ResponseStatus.Code == 200 && (e.ObjectRef.Name == secret || e.ObjectRef.Name == i.Name())
	}
	for _, resource := range []string{"secrets", "mutatingwebhookconfigurations"} {
		_, err := cluster.WaitForAudit(within(t), func(e controlplane.AuditEvent) bool { return wrote(e) && e.ObjectRef.Resource == resource })
		if err != nil {
			t.Fatal(err)
		}
	}
	events, err := cluster.AuditEvents()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if wrote(e) {
			counted[e.ObjectRef.Resource]++
		}
	}
	for _, resource := range []string{"secrets", "mutatingwebhookconfigurations"} {
		if counted[resource] != want {
			t.Errorf("%s: written %d times, want %d", resource, counted[resource], want)
		}
	}
}

// Whoever replaces the webhook configuration by one without a CA bundle finds it there
// again, the same; also who does while no server runs.
func TestWipedBundleIsWrittenAgain(t *testing.T) {
	t.Parallel()
	server, namespace := install(t, injector.Options{Revision: "wiped"})
	before := bundleOf(t, server)
	wipe := func() {
		t.Helper()
		c := configurationOf(t, server)
		for i := range c.Webhooks {
			c.Webhooks[i].ClientConfig.CABundle = nil
		}
		_, err := cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().Update(within(t), c, metav1.UpdateOptions{FieldManager: "eager"})
		if err != nil {
			t.Fatal(err)
		}
	}
	wipe()
	began := time.Now()
	until(t, "the CA bundle is back", func() bool { return bundleOf(t, server) == before })
	t.Logf("back after %s", time.Since(began).Round(10*time.Millisecond))
	awaitInjected(t, namespace, "wiped")

	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	wipe()
	if err := server.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	if bundleOf(t, server) != before {
		t.Error("the server is ready, and the CA bundle is not back")
	}
	// The API server reads it a moment later.
	until(t, "pods are injected again", func() bool {
		got := create(t, namespace, newPod("", func(p *corev1.Pod) { p.GenerateName = "again-" }))
		return got.Err == nil && injectedBy(got.Pod) == "wiped"
	})
}

// Where somebody else has written the CA bundle the server leaves it so, and says
// so; once that is taken away it has its own there.
func TestBundleOfSomebodyElseIsNotFoughtOver(t *testing.T) {
	t.Parallel()
	server, _ := install(t, injector.Options{Revision: "foreign"})
	before := bundleOf(t, server)
	authority, err := certs.NewAuthority(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, err := authority.PEM()
	if err != nil {
		t.Fatal(err)
	}
	const path = "/webhooks/1/clientConfig/caBundle"
	patchAs(t, server, "somebody", map[string]any{"op": "replace", "path": path, "value": theirs})
	awaitCertificates(t, server, func(_, bundle injector.Check) bool {
		return !bundle.Ready && !bundle.Since.IsZero() &&
			strings.Contains(bundle.Why, `entry "rev-object.injector.outrigger.dev"`) &&
			strings.Contains(bundle.Why, `caBundle belongs to somebody else, the field manager "somebody"`)
	})
	until(t, "the metric says so", func() bool {
		text, err := server.Metrics(within(t))
		return err == nil && strings.Contains(text, "\noutrigger_ca_bundle_not_ours 1\n") && strings.Contains(text, "\noutrigger_ca_bundle_in_sync 0\n")
	})
	until(t, "an event says so", func() bool {
		return strings.Contains(kubectl(t, "get", "events", "--namespace", injector.Namespace, "--field-selector", "reason=CABundleNotOurs",
			"-o", "jsonpath={.items[*].message}"), server.Name())
	})
	if got := configurationOf(t, server).Webhooks[1].ClientConfig.CABundle; !bytes.Equal(got, theirs) {
		t.Error("the server has written over it")
	}
	patchAs(t, server, "somebody", map[string]any{"op": "remove", "path": path})
	awaitCertificates(t, server, func(_, bundle injector.Check) bool { return bundle.Ready })
	if bundleOf(t, server) != before {
		t.Error("the CA bundle is another one now")
	}
}

// patchAs patches an installation's webhook configuration under a name.
func patchAs(t *testing.T, i *injector.Injector, manager string, operations ...map[string]any) {
	t.Helper()
	patch, err := json.Marshal(operations)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().
		Patch(within(t), i.Name(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		t.Fatal(err)
	}
}

// rotate asks for another authority, as an operator does.
func rotate(t *testing.T, i *injector.Injector) {
	t.Helper()
	kubectl(t, "annotate", "secret", authorityOf(t, i).Name, "--namespace", injector.Namespace, "outrigger.dev/rotate=now")
}

// phaseOf is how far a rotation has come, by what is stored.
func phaseOf(t *testing.T, i *injector.Injector) certs.Phase {
	t.Helper()
	state, err := certs.ParseState(authorityOf(t, i).Data)
	if err != nil {
		t.Fatal(err)
	}
	return state.Phase()
}

// A server that is killed in each phase of a rotation takes it to its end.
func TestRotationResumesAfterKill(t *testing.T) {
	t.Parallel()
	server, namespace := install(t, injector.Options{Revision: "rotation", Args: []string{"--leaf-life=10s"}})
	before := authorityOf(t, server).Data[corev1.TLSCertKey]
	rotate(t, server)
	for _, phase := range []certs.Phase{certs.Announced, certs.Retiring} {
		until(t, string(phase), func() bool { return phaseOf(t, server) == phase })
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		mustCreate(t, namespace, newPod("in-"+string(phase)))
	}
	until(t, "settled", func() bool { return phaseOf(t, server) == certs.Settled })
	after := authorityOf(t, server)
	if bytes.Equal(after.Data[corev1.TLSCertKey], before) {
		t.Error("the authority is the old one")
	}
	if after.Annotations["outrigger.dev/rotate"] != "" {
		t.Error("the request is still there")
	}
	until(t, "only the new authority is trusted", func() bool { return onlyTrusts(t, server, after.Data[corev1.TLSCertKey]) })
	mustCreate(t, namespace, newPod("at-last"))
}

// onlyTrusts says whether every entry trusts just this.
func onlyTrusts(t *testing.T, i *injector.Injector, bundle []byte) bool {
	t.Helper()
	for _, text := range strings.Fields(bundleOf(t, i)) {
		if text != base64.StdEncoding.EncodeToString(bundle) {
			return false
		}
	}
	return true
}

// creating creates pods one after the other, each of which must be injected, until
// it is stopped; that gives how many there were.
func creating(t *testing.T, namespace, revision string) (stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	created := make(chan int)
	go func() {
		n := 0
		defer func() { created <- n }()
		for ; ctx.Err() == nil; n++ {
			pod, err := cluster.Client().CoreV1().Pods(namespace).Create(t.Context(), newPod("", func(p *corev1.Pod) { p.GenerateName = "under-load-" }), metav1.CreateOptions{})
			if err != nil {
				t.Errorf("pod %d: %v", n, err)
				return
			}
			if injectedBy(pod) != revision {
				t.Errorf("pod %d: injected by %q", n, injectedBy(pod))
			}
			_ = cluster.Client().CoreV1().Pods(namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		}
	}()
	return func() int { cancel(); return <-created }
}

// Leaves are renewed every few seconds, the authority is changed, and connections
// last a second: no pod fails to be created, and none is without a sidecar.
func TestNoCreateFailsWhileCertificatesChange(t *testing.T) {
	t.Parallel()
	server, namespace := install(t, injector.Options{Revision: "renewal", Args: []string{"--leaf-life=10s", "--connection-age=1s"}})
	stop := creating(t, namespace, "renewal")
	rotate(t, server)
	for _, phase := range []certs.Phase{certs.Announced, certs.Retiring, certs.Settled} {
		until(t, string(phase), func() bool { return phaseOf(t, server) == phase })
	}
	n := stop()
	text, err := server.Metrics(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "outrigger_certificate_served_total") {
			t.Logf("%d pods, %s", n, strings.TrimSpace(line))
		}
	}
}
