package chart_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/internal/check"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// The chart's mode for cert-manager, with that one's own controllers and cainjector. While
// they are away the server and the check say what they wait for; the first pod after they
// have issued is injected; and renewals under load, of the certificate and of its authority,
// lose none.
func TestCertManager(t *testing.T) {
	const revision, certificate = "issued", "outrigger-injector-issued"
	i := prepareIssued(t, revision, "nativeSidecars=true")
	if err := i.Launch(); err != nil {
		t.Fatal(err)
	}
	awaitWaits(t, i, "waits for cert-manager, which has not looked at it yet")
	wantFinding(t, revision, "certificate", "certificate-not-ready")
	namespace := newNamespaces(t, map[string]string{"istio.io/rev": revision})[0].Name

	startCertManager(t)
	if err := i.Await(within(t), func(r injector.Readiness) bool { return r.Ready }); err != nil {
		t.Fatal(err)
	}
	if err := createProbe(t, namespace); err != nil {
		t.Errorf("the first pod: %v", err)
	}
	for _, f := range checkOf(t, revision) {
		if f.Level != check.OK {
			t.Errorf("of one that works: %+v", f)
		}
	}

	created := createPods(t, namespace)
	bundle := bundles(t, i.Name())
	for _, renewed := range []string{certificate, "outrigger-authority-issued", certificate} {
		before := serialOf(t, i)
		renew(t, renewed)
		if renewed == certificate {
			await(t, "the renewed certificate is served", func() bool { return serialOf(t, i) != before })
		}
		so := created.Load()
		await(t, "pods are created after that", func() bool { return created.Load() >= so+5 })
	}
	await(t, "the renewed authority is in the CA bundle", func() bool { return !cmp.Equal(bundle, bundles(t, i.Name())) })
}

// An issuer that there is not: the server says that it waits, and the check for whom.
func TestCertManagerWithoutTheIssuer(t *testing.T) {
	const revision = "unissued"
	i := prepareIssued(t, revision, "certificates.certManager.issuerRef.name=nobody")
	startCertManager(t)
	if err := i.Launch(); err != nil {
		t.Fatal(err)
	}
	awaitWaits(t, i, "is being issued: ")
	const because = `"nobody" not found`
	await(t, "the check says that there is no issuer", func() bool {
		for _, f := range checkOf(t, revision) {
			if f.Check == "certificate" && strings.Contains(f.Text, because) {
				return true
			}
		}
		return false
	})
	if said, status := helmTest(t, revision); status != 79 || !strings.Contains(said, because) {
		t.Errorf("exit status %d of helm test, and\n%s", status, said)
	}
}

// prepareIssued installs the chart with certificates of cert-manager's, for a server that
// is not started.
func prepareIssued(t *testing.T, revision string, values ...string) *injector.Injector {
	t.Helper()
	i, err := injector.Prepare(within(t), cluster, helms["Helm 4"], injector.Options{
		Revision: revision, Logs: t.TempDir(), Values: append(values, "certificates.mode=certManager"),
		Args: []string{
			"--certificates=certManager", "--certificate=outrigger-injector-" + revision, "--certificate-secret=outrigger-serving-" + revision,
			"--native-sidecars=true",
			// A caller that keeps its connection has no use for a new certificate.
			"--connection-age=1s",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Uninstall(within(t)); err != nil {
			t.Error(err)
		}
		// cert-manager leaves what it has issued, whatever becomes of the Certificate.
		kubectl(t, "delete", "secret", "--ignore-not-found", "--namespace", injector.Namespace, "outrigger-serving-"+revision, "outrigger-authority-"+revision)
	})
	return i
}

// awaitWaits waits until /readyz says what the certificate waits for.
func awaitWaits(t *testing.T, i *injector.Injector, waits string) {
	t.Helper()
	err := i.Await(within(t), func(r injector.Readiness) bool {
		return !r.Ready && strings.Contains(r.Checks["certificate"].Waits, waits)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// startCertManager runs it for as long as the test.
func startCertManager(t *testing.T) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "certmanager.log")
	stop, err := injector.StartCertManager(t.Context(), cluster, helms["Helm 4"], log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("cert-manager: %v", err)
		}
		if t.Failed() {
			text, _ := os.ReadFile(log)
			t.Logf("cert-manager said:\n%s", text)
		}
	})
}

// createProbe creates a pod on a dry run. It has to be let in, and injected.
func createProbe(t *testing.T, namespace string) error {
	ctx, done := context.WithTimeout(context.Background(), limit)
	defer done()
	pod, err := cluster.Client().CoreV1().Pods(namespace).Create(ctx, probe(nil), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil && pod.Annotations["outrigger.dev/injection"] == "" {
		err = fmt.Errorf("it has no sidecar")
	}
	return err
}

// createPods creates one pod after the other until the test ends, twenty a second at most,
// and counts them. None may be lost.
func createPods(t *testing.T, namespace string) *atomic.Int64 {
	t.Helper()
	created, ctx, done := &atomic.Int64{}, t.Context(), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.Tick(50 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick:
			}
			if err := createProbe(t, namespace); err != nil {
				t.Errorf("after %d pods: %v", created.Load(), err)
			}
			created.Add(1)
		}
	}()
	t.Cleanup(func() {
		<-done
		t.Logf("%d pods were created while certificates were renewed", created.Load())
	})
	return created
}

// renew has cert-manager issue a certificate anew, as cmctl does, and returns when it has.
func renew(t *testing.T, certificate string) {
	t.Helper()
	about := []string{"certificate", certificate, "--namespace", injector.Namespace}
	revision, err := strconv.Atoi(kubectl(t, append([]string{"get", "-o", "jsonpath={.status.revision}"}, about...)...))
	if err != nil {
		t.Fatal(err)
	}
	const issue = `[{"op": "add", "path": "/status/conditions/-", "value": {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered"}}]`
	kubectl(t, append([]string{"patch", "--subresource=status", "--type=json", "--patch", issue}, about...)...)
	kubectl(t, append([]string{"wait", fmt.Sprintf("--for=jsonpath={.status.revision}=%d", revision+1), "--timeout=90s"}, about...)...)
}

// serialOf is the serial number of the certificate that a server serves.
func serialOf(t *testing.T, i *injector.Injector) string {
	t.Helper()
	at, err := url.Parse(i.URL())
	if err != nil {
		t.Fatal(err)
	}
	connection, err := tls.Dial("tcp", at.Host, &tls.Config{InsecureSkipVerify: true}) // of this machine
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	return connection.ConnectionState().PeerCertificates[0].SerialNumber.String()
}
