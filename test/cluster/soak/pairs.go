package soak

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/test/cluster"
	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// An issuer is somebody who looks after a Secret with a pair.
type issuer struct {
	authority *certs.Authority
	secret    string
	names     []string
}

func newIssuer(revision string) (*issuer, error) {
	authority, err := certs.NewAuthority(time.Now().Add(-24*time.Hour), 48*time.Hour)
	if err != nil {
		return nil, err
	}
	return &issuer{
		authority: authority, secret: "pair-" + revision,
		names: certs.ServiceNames("outrigger-injector-"+revision, outrigger.Namespace),
	}, nil
}

// values have the chart serve by the Secret.
func (i *issuer) values() []string {
	return []string{
		"certificates.mode=existingSecret", "certificates.existingSecret.name=" + i.secret,
		"certificates.existingSecret.caBundle=" + base64.StdEncoding.EncodeToString(certificate(i.authority.Certificate())),
	}
}

// prepare makes the Secret, with a good pair, and the namespace that it is in.
func (i *issuer) prepare(ctx context.Context, c *cluster.Cluster) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: outrigger.Namespace, Labels: outrigger.Restricted}}
	if _, err := c.Client().CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	pair, err := i.issue(time.Now())
	if err != nil {
		return err
	}
	_, err = c.Client().CoreV1().Secrets(outrigger.Namespace).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: i.secret}, Type: corev1.SecretTypeTLS, Data: pair.data,
	}, metav1.CreateOptions{})
	return err
}

// A pair is a certificate and a key, as a Secret has them.
type pair struct {
	leaf *x509.Certificate
	data map[string][]byte
}

// issue makes a pair that lives for an hour from a time on.
func (i *issuer) issue(from time.Time) (pair, error) {
	issued, err := i.authority.Issue(from, i.names, time.Hour)
	if err != nil {
		return pair{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(issued.PrivateKey)
	if err != nil {
		return pair{}, err
	}
	return pair{issued.Leaf, map[string][]byte{
		corev1.TLSCertKey: certificate(issued.Leaf), corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	}}, nil
}

func certificate(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// writePairs writes a good pair, a torn one, an expired one and a good one, and is done when
// the replicas have served the last. What is served stays the last good one.
func (r *run) writePairs(ctx context.Context, i *issuer, done func()) error {
	now := time.Now()
	second, err := i.issue(now)
	if err != nil {
		return err
	}
	third, err := i.issue(now)
	if err != nil {
		return err
	}
	expired, err := i.issue(now.Add(-2 * time.Hour))
	if err != nil {
		return err
	}
	torn := map[string][]byte{corev1.TLSCertKey: third.data[corev1.TLSCertKey], corev1.TLSPrivateKeyKey: second.data[corev1.TLSPrivateKeyKey]}
	if _, err := tls.X509KeyPair(torn[corev1.TLSCertKey], torn[corev1.TLSPrivateKeyKey]); err == nil {
		return fmt.Errorf("the torn pair is none")
	}
	for _, step := range []struct {
		data    map[string][]byte
		served  *x509.Certificate
		refused float64 // pairs so far
		what    string
	}{
		{second.data, second.leaf, 0, GoodPair},
		{torn, second.leaf, 1, TornPair},
		{expired.data, second.leaf, 2, OldPair},
		{third.data, third.leaf, 2, GoodPair},
	} {
		if err := r.writePair(ctx, i.secret, step.data); err != nil {
			return err
		}
		err := r.eachReady(ctx, func(ctx context.Context, pod *corev1.Pod) error {
			return r.wantServed(ctx, pod, step.served, step.refused)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		r.report.note(step.what)
	}
	done()
	return nil
}

// writePair writes the Secret.
func (r *run) writePair(ctx context.Context, name string, data map[string][]byte) error {
	secrets := r.client.CoreV1().Secrets(outrigger.Namespace)
	secret, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	secret.Data = data
	_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{})
	return err
}

// wantServed wants a replica to serve a certificate, and to have refused so many pairs.
func (r *run) wantServed(ctx context.Context, pod *corev1.Pod, want *x509.Certificate, refused float64) error {
	err := wantMetric(ctx, pod, "outrigger_certificate_refused_total", func(value string) bool {
		got, err := strconv.ParseFloat(value, 64)
		return err == nil && got >= refused
	})
	served, unserved := leaf(ctx, pod)
	switch {
	case unserved != nil:
		return unserved
	case err == nil && !served.Equal(want):
		err = fmt.Errorf("pod %q: serves number %s, want %s", pod.Name, served.SerialNumber, want.SerialNumber)
	}
	if err != nil {
		_ = r.poke(ctx, pod) // or it takes a minute longer
	}
	return err
}
