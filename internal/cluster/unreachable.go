package cluster

import (
	"errors"
	"strings"
)

// unreachable is why the API server does not reach a webhook, by its own words. The first
// row that an error has the words of counts.
var unreachable = []struct{ words, reason, cure string }{
	{"no endpoints available", "no-endpoints", "no replica is ready: kubectl -n NAMESPACE get pods -l app.kubernetes.io/name=outrigger-injector"},
	{"Address is not allowed", "address-not-allowed", "this API server reaches nodes but not pods: hostNetwork=true and a free webhook.port"},
	{"no route to host", "no-route", "this API server reaches nodes but not pods: hostNetwork=true and a free webhook.port"},
	{"network is unreachable", "no-route", "this API server reaches nodes but not pods: hostNetwork=true and a free webhook.port"},
	{"unable to load root certificates", "ca-bundle-broken", "caBundle of the webhook configuration is no certificate: see the check caBundle"},
	{"certificate signed by unknown authority", "wrong-ca", "caBundle is another authority's than the server's certificate: see the checks caBundle and readiness"},
	{"certificate has expired", "certificate-expired", "the server serves a certificate that has expired: /readyz says who has to renew it, and check the clocks"},
	{"x509: certificate is", "wrong-name", "the server's certificate is for another name: it has to be for the Service's, or for the host in webhook.url"},
	{"x509: cannot validate certificate for", "wrong-name", "the server's certificate is for another name: it has to be for the Service's, or for the host in webhook.url"},
	{"x509:", "wrong-ca", "the server's certificate and caBundle do not go together: see the checks caBundle and readiness"},
	{"server gave HTTP response to HTTPS client", "not-tls", "something else than Outrigger listens there: see webhook.port and webhook.url"},
	{"tls:", "not-tls", "something else than Outrigger listens there, or it has no certificate yet: see the check readiness"},
	{"connection refused", "refused", "nothing listens there: kubectl -n NAMESPACE get pods -l app.kubernetes.io/name=outrigger-injector"},
	{"no such host", "no-such-host", "the API server does not resolve the host in webhook.url"},
	{"connection reset by peer", "reset", "something between the API server and the server cuts the connection: a proxy, or a service mesh"},
	{"EOF", "reset", "something between the API server and the server cuts the connection: a proxy, or a service mesh"},
	{"deadline exceeded", "timeout", "let the control plane reach port 9443 (webhook.port) of the pods: a firewall, or a NetworkPolicy, drops what it sends"},
	{"Client.Timeout", "timeout", "let the control plane reach port 9443 (webhook.port) of the pods: a firewall, or a NetworkPolicy, drops what it sends"},
	{"i/o timeout", "timeout", "let the control plane reach port 9443 (webhook.port) of the pods: a firewall, or a NetworkPolicy, drops what it sends"},
	{"service \"", "no-service", "the Service is gone: helm upgrade makes it again"},
	{"an error on the server", "server-error", "the server has a fault, or something else answers there: kubectl -n NAMESPACE logs deployment/outrigger-injector"},
	{"could not find the requested resource", "wrong-path", "what answers does not know the path: is it an Outrigger of this version, with --canary?"},
	{"", "unreachable", "see the log of the API server, and of the server"},
}

// An Unreachable is that the API server called the webhook in vain.
type Unreachable struct {
	// Reason is one word of the table above, and Cure what to do.
	Reason, Cure string
	err          error
}

// Error is what the API server said.
func (u *Unreachable) Error() string { return u.err.Error() }

// Unwrap gives [ErrUnreachable], and what the API server said.
func (u *Unreachable) Unwrap() error { return u.err }

// Explained is an error of a canary's as an [*Unreachable] where it is [ErrUnreachable],
// with what to do about the installation in a namespace. Any other stays as it is.
func Explained(err error, namespace string) error {
	if !errors.Is(err, ErrUnreachable) {
		return err
	}
	for _, row := range unreachable {
		if strings.Contains(err.Error(), row.words) {
			return &Unreachable{row.reason, strings.ReplaceAll(row.cure, "NAMESPACE", namespace), err}
		}
	}
	return err // the last row is for every error
}
