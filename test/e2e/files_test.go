package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// A server whose certificate and configuration are files that somebody else
// looks after. It has no right to write webhook configurations then.
func TestServerFromFiles(t *testing.T) {
	t.Parallel()
	certificates, configuration := t.TempDir(), t.TempDir()
	bundle := writePair(t, certificates)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(configuration, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("config", marking("one"))
	write("values", kubectl(t, "get", "configmap", first.ConfigMap(), "--namespace", injector.Namespace, "-o", "jsonpath={.data.values}"))
	server, namespace := install(t, injector.Options{
		Revision: "files",
		Values: []string{
			"certificates.mode=existingSecret", "certificates.existingSecret.name=elsewhere",
			"certificates.existingSecret.caBundle=" + base64.StdEncoding.EncodeToString(bundle),
		},
		Args: []string{"--certificates=files", "--cert-dir=" + certificates, "--config-dir=" + configuration},
	})
	if got := mustCreate(t, namespace, newPod("one")).Annotations["example.com/mark"]; got != "one" {
		t.Errorf("marked %q, want one", got)
	}
	write("config", marking("two"))
	before, err := server.Readiness(within(t))
	if err != nil {
		t.Fatal(err)
	}
	await(t, server, func(c injector.Check) bool { return c.Hash != before.Checks["configuration"].Hash })
	if got := mustCreate(t, namespace, newPod("two")).Annotations["example.com/mark"]; got != "two" {
		t.Errorf("marked %q, want two", got)
	}
	write("config", broken)
	await(t, server, refused)
	if got := mustCreate(t, namespace, newPod("three")).Annotations["example.com/mark"]; got != "two" {
		t.Errorf("marked %q, want two still", got)
	}
}

// writePair writes tls.crt and tls.key for 127.0.0.1 into a folder, and returns
// what callers have to trust: the certificate itself.
func writePair(t *testing.T, dir string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "somebody else"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"tls.crt": cert, "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert
}
