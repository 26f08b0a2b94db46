package check

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/internal/cluster"
)

// overdue is how long after its time a renewal is late: cert-manager retries for an hour
// before it waits.
const overdue = time.Hour

// certificate says what the Certificate waits for, where cert-manager issues.
func (c *Cluster) certificate(ctx context.Context, h hooks) []Finding {
	namespace, name, issued := strings.Cut(h.issuedFrom(), "/")
	if !issued {
		return nil
	}
	certificates := c.CertManager.Certificates(namespace)
	describe := fmt.Sprintf("kubectl -n %s describe certificate %s", namespace, name)
	reading := cluster.Certificate{Certificates: certificates, Namespace: namespace, Name: name}
	if waits := reading.Read(ctx); waits != "" {
		if because := c.because(ctx, namespace, name); because != "" {
			waits += ": " + because
		}
		return []Finding{{Check: "certificate", Level: Error, Reason: "certificate-not-ready", Text: waits, Cure: describe}}
	}
	found, err := certificates.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return []Finding{{Check: "certificate", Level: Warning, Reason: "not-read", Text: err.Error(), Cure: describe}}
	}
	if due := found.Status.RenewalTime; due != nil && time.Since(due.Time) > overdue {
		return []Finding{{
			Check: "certificate", Level: Warning, Reason: "renewal-overdue", Cure: describe,
			Text: fmt.Sprintf("certificate %q: was to be renewed at %s, and is not", namespace+"/"+name, due.UTC().Format(time.RFC3339)),
		}}
	}
	text := fmt.Sprintf("certificate %q is issued", namespace+"/"+name)
	if until := found.Status.NotAfter; until != nil {
		text += ", until " + until.UTC().Format(time.RFC3339)
	}
	return []Finding{{Check: "certificate", Level: OK, Text: text}}
}

// because is what the newest request for a Certificate says, or its issuer: of a
// Certificate that cannot be issued cert-manager says there why not. "" where nobody
// says anything.
func (c *Cluster) because(ctx context.Context, namespace, certificate string) string {
	requests, err := c.CertManager.CertificateRequests(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return ""
	}
	of := slices.DeleteFunc(requests.Items, func(r certmanagerv1.CertificateRequest) bool {
		return r.Annotations[certmanagerv1.CertificateNameKey] != certificate
	})
	if len(of) == 0 {
		return ""
	}
	newest := slices.MaxFunc(of, func(a, b certmanagerv1.CertificateRequest) int {
		return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	for _, condition := range newest.Status.Conditions {
		bad := condition.Status != certmanagermetav1.ConditionTrue && condition.Message != ""
		if condition.Type == certmanagerv1.CertificateRequestConditionReady && bad {
			return c.orIssuer(ctx, namespace, newest.Spec.IssuerRef, condition.Message)
		}
	}
	return ""
}

// orIssuer is what a request says, with what its issuer says where that is not ready.
func (c *Cluster) orIssuer(ctx context.Context, namespace string, ref certmanagermetav1.IssuerReference, said string) string {
	if ref.Kind != "" && ref.Kind != certmanagerv1.IssuerKind || ref.Group != "" && ref.Group != certmanagerv1.SchemeGroupVersion.Group {
		return said
	}
	issuer, err := c.CertManager.Issuers(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil { // the request says that there is none
		return said
	}
	for _, condition := range issuer.Status.Conditions {
		if condition.Type == certmanagerv1.IssuerConditionReady && condition.Status != certmanagermetav1.ConditionTrue {
			return fmt.Sprintf("%s: issuer %q: %s", said, namespace+"/"+ref.Name, condition.Message)
		}
	}
	return said
}
