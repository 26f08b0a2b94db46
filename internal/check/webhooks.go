package check

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/certs"
)

// injectFrom is where cert-manager's cainjector is told whose authority it is to write.
const injectFrom = "cert-manager.io/inject-ca-from"

// hooks are the webhook configurations of a revision: its own, and those of its tags.
type hooks []admissionv1.MutatingWebhookConfiguration

// webhooks finds them; nil where there are none, or they may not be read.
func (c *Cluster) webhooks(ctx context.Context, of Installation) (hooks, []Finding) {
	list, err := c.Kubernetes.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{LabelSelector: of.selector()})
	if err != nil {
		cure := "another cluster is named with --kubeconfig and --context"
		if apierrors.IsForbidden(err) {
			cure = "as somebody who may: kubectl auth can-i list mutatingwebhookconfigurations"
		}
		return nil, []Finding{{Check: "webhook", Level: Error, Reason: "not-read", Text: err.Error(), Cure: cure}}
	}
	if len(list.Items) == 0 {
		return nil, []Finding{{
			Check: "webhook", Level: Error, Reason: "no-webhook",
			Text: fmt.Sprintf("there is no webhook configuration of revision %q: nothing is injected", of.Revision),
			Cure: "install the chart with webhook.create=true, or name another --revision: kubectl get mutatingwebhookconfigurations -l app.kubernetes.io/name=outrigger-injector -L outrigger.dev/revision",
		}}
	}
	var names []string
	entries := 0
	for _, h := range list.Items {
		names = append(names, h.Name)
		entries += len(h.Webhooks)
	}
	text := fmt.Sprintf("%d entries in %s", entries, strings.Join(names, ", "))
	return list.Items, []Finding{{Check: "webhook", Level: OK, Text: text}}
}

// outside says whether the server is called by a URL, not by a Service.
func (h hooks) outside() bool {
	return len(h[0].Webhooks) > 0 && h[0].Webhooks[0].ClientConfig.URL != nil
}

// issuedFrom is the Certificate whose authority cert-manager writes; "" where it does not.
func (h hooks) issuedFrom() string { return h[0].Annotations[injectFrom] }

// An untrusting entry is one with a CA bundle that nobody can serve by, and why.
type untrusting struct{ entry, reason, why string }

// bundles judges the CA bundle of every entry. An entry that cannot trust anybody fails
// each call, whatever the server does.
func (h hooks) bundles() []Finding {
	var wrong []untrusting
	seen := map[string]bool{}
	total := 0
	for _, configuration := range h {
		for _, entry := range configuration.Webhooks {
			total++
			seen[string(entry.ClientConfig.CABundle)] = true
			if reason, why := judge(entry.ClientConfig.CABundle, time.Now()); reason != "" {
				wrong = append(wrong, untrusting{configuration.Name + " " + entry.Name, reason, why})
			}
		}
	}
	switch {
	case len(wrong) > 0:
		return []Finding{{
			Check: "caBundle", Level: Error, Reason: wrong[0].reason, Cure: h.bundleCure(),
			Text: fmt.Sprintf("%s in %d of %d entries, the first %s", wrong[0].why, len(wrong), total, wrong[0].entry),
		}}
	case len(seen) > 1:
		return []Finding{{
			Check: "caBundle", Level: Warning, Reason: "ca-bundle-differs", Cure: h.bundleCure(),
			Text: fmt.Sprintf("not the same in all of %d entries, as it should be but for the moment when it is written", total),
		}}
	}
	return []Finding{{Check: "caBundle", Level: OK, Text: fmt.Sprintf("the same in %d entries", total)}}
}

// judge says why nobody can serve by a CA bundle, in a word and in a sentence.
func judge(text []byte, now time.Time) (reason, why string) {
	bundle, err := certs.ParseBundle(text)
	switch {
	case err != nil:
		return "ca-bundle-broken", err.Error()
	case len(bundle) == 0:
		return "ca-bundle-empty", "there is none"
	}
	for _, authority := range bundle {
		if now.Before(authority.NotAfter) {
			return "", ""
		}
	}
	last := slices.MaxFunc(bundle, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	return "ca-bundle-expired", "expired on " + last.NotAfter.UTC().Format(time.RFC3339)
}

// bundleCure says who has to write the CA bundle.
func (h hooks) bundleCure() string {
	if from := h.issuedFrom(); from != "" {
		return "cert-manager's cainjector writes it once the Certificate " + from + " is issued: see that it runs"
	}
	return "the server writes it, unless you do: its log and /readyz say what keeps it from that"
}
