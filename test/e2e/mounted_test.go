package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// A mounted folder has files as a kubelet mounts a Secret: links into a folder that
// a link ..data points to, which is replaced at once.
type mounted struct {
	t       *testing.T
	dir     string
	version int
}

func mount(t *testing.T) *mounted {
	m := &mounted{t: t, dir: t.TempDir()}
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(m.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// put replaces both files.
func (m *mounted) put(cert, key []byte) {
	m.t.Helper()
	m.version++
	data := fmt.Sprintf("..%d", m.version)
	check := func(err error) {
		if err != nil {
			m.t.Fatal(err)
		}
	}
	check(os.Mkdir(filepath.Join(m.dir, data), 0o700))
	check(os.WriteFile(filepath.Join(m.dir, data, "tls.crt"), cert, 0o600))
	check(os.WriteFile(filepath.Join(m.dir, data, "tls.key"), key, 0o600))
	check(os.Symlink(data, filepath.Join(m.dir, "..data_tmp")))
	check(os.Rename(filepath.Join(m.dir, "..data_tmp"), filepath.Join(m.dir, "..data")))
}

// pairFor is a pair of an authority for 127.0.0.1.
func pairFor(t *testing.T, a *certs.Authority, at time.Time) (cert, key []byte) {
	t.Helper()
	leaf, err := a.Issue(at, []string{"127.0.0.1"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return pairPEM(t, leaf)
}

func pairPEM(t *testing.T, pair *tls.Certificate) (cert, key []byte) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// In file mode a torn pair, an expired one and one of a stranger never take the place
// of a good one, while good ones are taken every second: no create fails.
func TestMountedCertificatesAreTakenOnlyIfGood(t *testing.T) {
	t.Parallel()
	authority, err := certs.NewAuthority(time.Now().Add(-10*time.Hour), 20*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := certs.NewAuthority(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	files := mount(t)
	cert, key := pairFor(t, authority, time.Now())
	files.put(cert, key)
	bundle := base64.StdEncoding.EncodeToString(certs.NewBundle(time.Now(), authority.Certificate()).PEM())
	server, namespace := install(t, injector.Options{
		Revision: "mounted",
		Values: []string{
			"certificates.mode=existingSecret", "certificates.existingSecret.name=elsewhere", "certificates.existingSecret.caBundle=" + bundle,
		},
		Args: []string{"--certificates=files", "--cert-dir=" + files.dir, "--connection-age=1s"},
	})
	good := shown(t, server).SerialNumber
	stop := creating(t, namespace, "mounted")

	_, torn := pairFor(t, authority, time.Now())
	expiredCert, expiredKey := pairFor(t, authority, time.Now().Add(-5*time.Hour))
	strangeCert, strangeKey := pairFor(t, stranger, time.Now())
	for _, bad := range []struct {
		what, want string
		cert, key  []byte
	}{
		{"torn", "private key does not match public key", cert, torn},
		{"expired", "expired at", expiredCert, expiredKey},
		{"of a stranger", "the newest certificate is not served yet", strangeCert, strangeKey},
	} {
		files.put(bad.cert, bad.key)
		awaitCertificates(t, server, func(certificate, bundle injector.Check) bool {
			return certificate.Ready && bundle.Ready && strings.Contains(certificate.Refused, bad.want)
		})
		if got := shown(t, server).SerialNumber; got.Cmp(good) != 0 {
			t.Errorf("a pair that is %s is served", bad.what)
		}
	}
	for range 8 {
		cert, key := pairFor(t, authority, time.Now())
		files.put(cert, key)
		began := time.Now()
		until(t, "the new pair is served", func() bool {
			now := shown(t, server).SerialNumber
			fresh := now.Cmp(good) != 0
			good = now
			return fresh
		})
		time.Sleep(time.Until(began.Add(time.Second))) // renewed every second
	}
	t.Logf("%d pods", stop())
	text, err := server.Metrics(within(t))
	if err != nil || !strings.Contains(text, "\noutrigger_certificate_refused_total 2\n") {
		t.Errorf("no metric outrigger_certificate_refused_total 2: %v", err)
	}
}
