package analyze

import (
	"crypto/x509"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"

	"outrigger.dev/outrigger/certs"
)

// Served is what answers where a webhook calls.
type Served struct {
	// Name is the one that the certificate has to be for.
	Name string
	// Chain is what was presented, the server's own certificate first.
	Chain []*x509.Certificate
}

// soon is how long before its end a certificate should have been renewed: whoever renews
// has had a third of its life for that. The chart's alert has the same.
const soon = 2 * 24 * time.Hour

// Endpoint is where an entry calls, as [Scene.Served] has it.
func Endpoint(c admissionv1.WebhookClientConfig) string {
	if c.URL != nil {
		return *c.URL
	}
	port := int32(443)
	if c.Service.Port != nil {
		port = *c.Service.Port
	}
	return fmt.Sprintf("%s/%s:%d", c.Service.Namespace, c.Service.Name, port)
}

// perEntry is what find has to say about the first entry of each of our configurations
// that it has something to say about. An entry that is switched off calls nobody.
func (s *Scene) perEntry(find func(w admissionv1.MutatingWebhook, served Served) (message, fix string)) []Finding {
	var all []Finding
	for _, c := range s.ours() {
		for _, w := range c.Webhooks {
			message, fix := find(w, s.Served[Endpoint(w.ClientConfig)])
			if message == "" {
				continue
			}
			all = append(all, Finding{Object: subjectOf(c), Message: fmt.Sprintf("%s: %s", w.Name, message), Fix: fix})
			break
		}
	}
	return all
}

// badBundle finds entries of ours whose CA bundle nobody can serve by.
func badBundle(s *Scene) ([]Finding, error) {
	return s.perEntry(func(w admissionv1.MutatingWebhook, _ Served) (string, string) {
		const fix = "outrigger check, which says who has to write it"
		bundle, err := certs.ParseBundle(w.ClientConfig.CABundle)
		switch {
		case err != nil:
			return fmt.Sprintf("every call fails: %v", err), fix
		case len(bundle) == 0 && w.ClientConfig.Service != nil:
			return "every call fails: its caBundle is empty", fix
		case len(bundle) > 0 && !s.Now.IsZero() && last(bundle).Before(s.Now):
			return "every call fails: its caBundle expired on " + last(bundle).UTC().Format(time.RFC3339), fix
		}
		return "", ""
	}), nil
}

// last is when the last certificate of a bundle ends.
func last(bundle []*x509.Certificate) (end time.Time) {
	for _, c := range bundle {
		if c.NotAfter.After(end) {
			end = c.NotAfter
		}
	}
	return end
}

// untrusted finds entries whose CA bundle does not verify the certificate that is served.
func untrusted(s *Scene) ([]Finding, error) {
	return s.perEntry(func(w admissionv1.MutatingWebhook, served Served) (string, string) {
		bundle, err := certs.ParseBundle(w.ClientConfig.CABundle)
		if err != nil || len(bundle) == 0 || len(served.Chain) == 0 {
			return "", ""
		}
		options := x509.VerifyOptions{DNSName: served.Name, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: s.Now}
		for _, c := range bundle {
			options.Roots.AddCert(c)
		}
		for _, c := range served.Chain[1:] {
			options.Intermediates.AddCert(c)
		}
		if _, err := served.Chain[0].Verify(options); err != nil {
			return fmt.Sprintf("every call fails, as its caBundle does not verify the certificate that is served: %v", err),
				"outrigger check, which says who has to write what"
		}
		return "", ""
	}), nil
}

// expiring finds certificates that should have been renewed by now.
func expiring(s *Scene) ([]Finding, error) {
	return s.perEntry(func(_ admissionv1.MutatingWebhook, served Served) (string, string) {
		if len(served.Chain) == 0 || s.Now.IsZero() || !served.Chain[0].NotAfter.Before(s.Now.Add(soon)) {
			return "", ""
		}
		end := served.Chain[0].NotAfter
		word := "ends"
		if end.Before(s.Now) {
			word = "ended"
		}
		return fmt.Sprintf("the certificate that is served %s on %s, and should have been renewed by now", word, end.UTC().Format(time.RFC3339)),
			"outrigger check, which says who has to renew it"
	}), nil
}
