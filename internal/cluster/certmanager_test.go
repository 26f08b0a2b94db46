package cluster_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certmanagerfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/internal/cluster"
)

// issued is a Certificate with conditions as cert-manager writes them.
func issued(conditions ...certmanagerv1.CertificateCondition) *certmanagerv1.Certificate {
	return &certmanagerv1.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: "outrigger-system", Name: "outrigger-injector"},
		Status:     certmanagerv1.CertificateStatus{Conditions: conditions},
	}
}

func condition(of certmanagerv1.CertificateConditionType, status certmanagermetav1.ConditionStatus, reason, message string) certmanagerv1.CertificateCondition {
	return certmanagerv1.CertificateCondition{Type: of, Status: status, Reason: reason, Message: message}
}

func TestCertificateSaysWhatItWaitsFor(t *testing.T) {
	const name = `certificate "outrigger-system/outrigger-injector": `
	for sentence, tc := range map[string]struct {
		objects []runtime.Object
		want    string
	}{
		"that does not exist": {nil, name + "does not exist; is cert-manager installed, and was the chart with certificates.mode=certManager?"},
		"that nobody has looked at": {
			[]runtime.Object{issued()}, name + "waits for cert-manager, which has not looked at it yet",
		},
		"that is being issued": {
			[]runtime.Object{issued(
				condition("Ready", "False", "DoesNotExist", "Issuing certificate as Secret does not exist"),
				condition("Issuing", "True", "DoesNotExist", "Issuing certificate as Secret does not exist"),
			)},
			name + "is being issued: Issuing certificate as Secret does not exist",
		},
		"whose issuer failed": {
			[]runtime.Object{issued(
				condition("Ready", "False", "Expired", "Certificate expired on Fri"),
				condition("Issuing", "False", "Failed", "The certificate request has failed"),
			)},
			name + "Expired: Certificate expired on Fri",
		},
		"that is issued": {[]runtime.Object{issued(condition("Ready", "True", "Ready", "Certificate is up to date"))}, ""},
		"that is being renewed": {
			[]runtime.Object{issued(condition("Ready", "True", "Ready", "x"), condition("Issuing", "True", "Renewing", "y"))}, "",
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := certmanagerfake.NewClientset(tc.objects...).CertmanagerV1()
				c := &cluster.Certificate{Certificates: client.Certificates("outrigger-system"), Namespace: "outrigger-system", Name: "outrigger-injector"}
				go c.Run(t.Context())
				synctest.Wait()
				if diff := cmp.Diff(tc.want, c.Waits()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// pairIn is a Secret with a pair of an authority.
func pairIn(t *testing.T, a *certs.Authority, version string) *corev1.Secret {
	t.Helper()
	cert, key, err := a.PEM()
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "outrigger-system", Name: "outrigger-serving", ResourceVersion: version},
		Data:       map[string][]byte{"tls.crt": cert, "tls.key": key},
	}
}

// A Secret that comes late, and one that has nothing usable, are said to be so.
func TestCertificateSecretIsFollowed(t *testing.T) {
	client := fake.NewClientset()
	secrets := client.CoreV1().Secrets("outrigger-system")
	s := &cluster.CertificateSecret{
		Given:   certs.Given{Log: slog.New(slog.DiscardHandler)},
		Secrets: secrets, Namespace: "outrigger-system", Name: "outrigger-serving",
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	await := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
			got := ""
			if err := s.Status().Fault; err != nil {
				got = err.Error()
			}
			if got == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("says %q, want %q", got, want)
			}
		}
	}
	await(`secret "outrigger-system/outrigger-serving": does not exist yet`)
	empty := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "outrigger-system", Name: "outrigger-serving"}}
	if _, err := secrets.Create(t.Context(), empty, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(`secret "outrigger-system/outrigger-serving": has no certificate and key yet`)
	a, err := certs.NewAuthority(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	// An authority names no servers, which is as good a reason as any.
	if _, err := secrets.Update(t.Context(), pairIn(t, a, "2"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(`secret "outrigger-system/outrigger-serving": has no subject alternative names, want the name that the API server calls`)
	if err := secrets.Delete(t.Context(), "outrigger-serving", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await(`secret "outrigger-system/outrigger-serving": does not exist yet`)
}
