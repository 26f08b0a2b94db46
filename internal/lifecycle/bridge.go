package lifecycle

import (
	"context"
	"errors"
	"fmt"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"outrigger.dev/outrigger/internal/cluster"
)

// bridge has a revision answer for a tag that another one still has, by a webhook
// configuration that belongs to no release: that of the tag as it will be, which trusts
// what the revision's own configuration trusts now. So a tag moves without a moment in
// which nobody answers for it:
//
//	step                                  who answers
//	                                      the one revision
//	the bridge is made                    both, the other one last
//	the tag is taken from the one         the other, by the bridge
//	and given to the other, and proven    the other, twice: the second changes nothing
//	the bridge is removed                 the other
//
// The API server hears of these changes in their order. Cut short anywhere, a bridge that
// stays answers until the tag is set again, or removed.
func (c *Cluster) bridge(ctx context.Context, tag, revision string, progress Progress) error {
	p, err := c.planTag(ctx, revision, tag, true)
	if err != nil {
		return err
	}
	own, err := c.answered(ctx, p)
	if err != nil {
		return err
	}
	bridge, err := p.configurationOf(tag)
	if err != nil {
		return err
	}
	bridge.ObjectMeta = metav1.ObjectMeta{Name: cluster.BridgeName(tag), Labels: map[string]string{
		"app.kubernetes.io/name": "outrigger-injector", "app.kubernetes.io/part-of": "outrigger", revisionKey: revision,
	}}
	for i := range bridge.Webhooks {
		entry := &bridge.Webhooks[i]
		entry.ClientConfig.CABundle = own.Webhooks[0].ClientConfig.CABundle
		if isOff(own, paused) {
			entry.MatchConditions = append(entry.MatchConditions, admissionv1.MatchCondition{Name: paused, Expression: "false"})
		}
	}
	progress.step("having revision %s answer for tag %s before it moves", revision, tag)
	return c.writeBridge(ctx, bridge, progress)
}

// writeBridge makes a bridge, or has one that a move left behind lead elsewhere.
func (c *Cluster) writeBridge(ctx context.Context, bridge *admissionv1.MutatingWebhookConfiguration, progress Progress) error {
	configurations := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	live, err := configurations.Get(ctx, bridge.Name, metav1.GetOptions{})
	state := "updated"
	switch {
	case apierrors.IsNotFound(err):
		state = "created"
		_, err = configurations.Create(ctx, bridge, metav1.CreateOptions{FieldManager: "outrigger"})
	case err == nil:
		bridge.ResourceVersion = live.ResourceVersion
		_, err = configurations.Update(ctx, bridge, metav1.UpdateOptions{FieldManager: "outrigger"})
	}
	if err == nil {
		progress(Event{State: state, Object: webhookKind + " " + bridge.Name})
	}
	return err
}

// answered is the live webhook configuration of a plan's revision itself, by which its
// server is known to answer.
func (c *Cluster) answered(ctx context.Context, p *Plan) (*admissionv1.MutatingWebhookConfiguration, error) {
	own, err := p.configurationOf("")
	if err != nil {
		return nil, err
	}
	live, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, own.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if isOff(live, notReady) || p.bundleIsWritten() && len(withoutBundle(live)) > 0 {
		return nil, fmt.Errorf("revision %q: its webhook is not known to be answered, want it to be before it takes another one's tag: outrigger check --revision %[1]s", p.Revision)
	}
	return live, nil
}

// configurationOf is the webhook configuration among the objects that is a tag's, or the
// revision's own where the tag is "".
func (p *Plan) configurationOf(tag string) (*admissionv1.MutatingWebhookConfiguration, error) {
	for _, m := range p.Objects {
		if m.Object.GetKind() == webhookKind && m.Object.GetLabels()[tagKey] == tag {
			found := new(admissionv1.MutatingWebhookConfiguration)
			return found, runtime.DefaultUnstructuredConverter.FromUnstructured(m.Object.Object, found)
		}
	}
	return nil, errors.New("values: webhook.create is false, and so there is nothing that could be called by a tag")
}

// bridged is the revision that a bridge for a tag leads to; "" where there is none.
func (c *Cluster) bridged(ctx context.Context, tag string) (revision string, err error) {
	bridge, err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, cluster.BridgeName(tag), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return bridge.Labels[revisionKey], nil
}

// removeBridge removes it, where there is one.
func (c *Cluster) removeBridge(ctx context.Context, tag string, progress Progress) error {
	name := cluster.BridgeName(tag)
	err := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		progress(Event{State: "deleted", Object: webhookKind + " " + name})
	}
	return err
}
