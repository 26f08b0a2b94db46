package analyze_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/internal/analyze"
)

// working is a configuration as it is once its server has written its CA bundle.
func working(c admissionv1.MutatingWebhookConfiguration) admissionv1.MutatingWebhookConfiguration {
	for i := range c.Webhooks {
		c.Webhooks[i].ClientConfig.CABundle = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours().certificate.Raw})
	}
	return c
}

// An authority signs certificates.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

var ours, strangers = sync.OnceValue(newAuthority), sync.OnceValue(newAuthority)

func newAuthority() authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	a := authority{key: key, certificate: &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}}
	a.certificate = a.sign(365*24*time.Hour, a.certificate)
	return a
}

// sign makes a certificate, for the key of the authority, of a template.
func (a authority) sign(lasts time.Duration, template *x509.Certificate) *x509.Certificate {
	template.SerialNumber, template.NotAfter = big.NewInt(1), time.Now().Add(lasts)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, a.key.Public(), a.key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return certificate
}

// serve has the server of the chart's configuration present what a section says: a
// certificate that lasts so long, of our authority or of a stranger's.
func serve(t *testing.T, scene *analyze.Scene, text []byte) {
	t.Helper()
	var section struct {
		Strange bool
		Lasts   string
	}
	if err := yaml.UnmarshalStrict(text, &section); err != nil {
		t.Fatal(err)
	}
	lasts, err := time.ParseDuration(section.Lasts)
	if err != nil {
		t.Fatal(err)
	}
	signer := ours()
	if section.Strange {
		signer = strangers()
	}
	const name = "outrigger-injector.outrigger-system.svc"
	chain := []*x509.Certificate{signer.sign(lasts, &x509.Certificate{DNSNames: []string{name}})}
	scene.Now, scene.Served = time.Now(), map[string]analyze.Served{}
	for _, c := range scene.Webhooks.List {
		for _, w := range c.Webhooks {
			scene.Served[analyze.Endpoint(w.ClientConfig)] = analyze.Served{Name: name, Chain: chain}
		}
	}
}

// The Service that the chart's configuration calls, and who answers for it.
const (
	ownService = `{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"outrigger-system","name":"outrigger-injector"}}`
	ownSlice   = `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"namespace":"outrigger-system","name":"outrigger-injector-x",
		"labels":{"kubernetes.io/service-name":"outrigger-injector"}},"endpoints":[{"addresses":["10.0.0.5"],"conditions":{"ready":true}}]}`
)

// object is one of a cluster.
func object(t *testing.T, text string) analyze.Object {
	t.Helper()
	o, err := analyze.ReadObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}
