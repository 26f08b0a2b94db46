package cluster

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// certificates is cert-manager's resource.
var certificates = schema.GroupVersionResource{Group: "cert-manager.io", Version: "v1", Resource: "certificates"}

// Certificate reads of a cert-manager Certificate what it waits for. It needs the
// right to get that one. Safe for concurrent use.
//
// cert-manager's own types would bring twenty modules for the conditions that are
// read here, so they are named here.
type Certificate struct {
	Client    dynamic.Interface
	Namespace string
	Name      string

	waits atomic.Pointer[string]
}

// certificateStatus is what is read of a Certificate.
type certificateStatus struct {
	Status struct {
		Conditions []metav1.Condition `json:"conditions"`
	} `json:"status"`
}

// Run reads it again and again until ctx ends.
func (c *Certificate) Run(ctx context.Context) {
	for {
		reading, done := context.WithTimeout(ctx, again)
		waits := c.read(reading)
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

// Waits is what the Certificate waits for, for people; "" where it is issued and for
// nothing.
func (c *Certificate) Waits() string {
	if waits := c.waits.Load(); waits != nil {
		return *waits
	}
	return c.name() + ": not read yet"
}

func (c *Certificate) name() string { return fmt.Sprintf("certificate %q", c.Namespace+"/"+c.Name) }

func (c *Certificate) read(ctx context.Context) string {
	found, err := c.Client.Resource(certificates).Namespace(c.Namespace).Get(ctx, c.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return c.name() + ": does not exist; is cert-manager installed, and was the chart with certificates.mode=certManager?"
	case err != nil:
		return fmt.Sprintf("%s: %v", c.name(), err)
	}
	if waits := waitsFor(found); waits != "" {
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
func waitsFor(found *unstructured.Unstructured) string {
	var c certificateStatus
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, &c); err != nil {
		return err.Error()
	}
	conditions := map[string]metav1.Condition{}
	for _, condition := range c.Status.Conditions {
		conditions[condition.Type] = condition
	}
	ready, looked := conditions["Ready"]
	issuing := conditions["Issuing"]
	switch {
	case !looked:
		return "waits for cert-manager, which has not looked at it yet"
	case ready.Status == metav1.ConditionTrue:
		return ""
	case issuing.Status == metav1.ConditionTrue:
		return "is being issued: " + issuing.Message
	}
	return fmt.Sprintf("%s: %s", ready.Reason, ready.Message)
}
