package cluster

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	certmanagerv1 "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certmanagermetav1 "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certmanagerclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Certificate reads of a cert-manager Certificate what it waits for. It needs the
// right to get that one. Safe for concurrent use.
type Certificate struct {
	Certificates certmanagerclient.CertificateInterface
	// Namespace is the one that Certificates reads.
	Namespace string
	Name      string

	waits atomic.Pointer[string]
}

// Run reads it again and again until ctx ends.
func (c *Certificate) Run(ctx context.Context) {
	for {
		reading, done := context.WithTimeout(ctx, again)
		waits := c.Read(reading)
		done()
		if ctx.Err() != nil {
			return
		}
		c.waits.Store(&waits)
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
	}
}

// Waits is what the Certificate waited for when Run read it last, for people; "" where
// it is issued and for nothing.
func (c *Certificate) Waits() string {
	if waits := c.waits.Load(); waits != nil {
		return *waits
	}
	return c.name() + ": not read yet"
}

func (c *Certificate) name() string { return fmt.Sprintf("certificate %q", c.Namespace+"/"+c.Name) }

// Read reads once what the Certificate waits for, in the words of Waits. That it
// cannot be read is one of the things that it says.
func (c *Certificate) Read(ctx context.Context) string {
	found, err := c.Certificates.Get(ctx, c.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return c.name() + ": does not exist; is cert-manager installed, and was the chart with certificates.mode=certManager?"
	case err != nil:
		return fmt.Sprintf("%s: %v", c.name(), err)
	}
	if waits := waitsFor(found.Status.Conditions); waits != "" {
		return c.name() + ": " + waits
	}
	return ""
}

// waitsFor is what a Certificate's conditions say:
//
//	Ready      Issuing   it waits for
//	absent     any       cert-manager, which has not looked at it yet
//	not true   true      what Issuing says
//	not true   other     what Ready says
//	true       any       nothing: a renewal is under way, at most
func waitsFor(all []certmanagerv1.CertificateCondition) string {
	conditions := map[certmanagerv1.CertificateConditionType]certmanagerv1.CertificateCondition{}
	for _, condition := range all {
		conditions[condition.Type] = condition
	}
	ready, looked := conditions[certmanagerv1.CertificateConditionReady]
	issuing := conditions[certmanagerv1.CertificateConditionIssuing]
	switch {
	case !looked:
		return "waits for cert-manager, which has not looked at it yet"
	case ready.Status == certmanagermetav1.ConditionTrue:
		return ""
	case issuing.Status == certmanagermetav1.ConditionTrue:
		return "is being issued: " + issuing.Message
	}
	return fmt.Sprintf("%s: %s", ready.Reason, ready.Message)
}
