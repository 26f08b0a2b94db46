package lifecycle

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// An entry of a webhook configuration is made to match nothing by one more match
// condition, which is false. Its selectors stay, so that there is nothing to remember and
// to give back; conditions are a map by name, so that neither Helm nor anybody else who
// applies the configuration takes ours away; and the API server evaluates it without a
// call. The name says why:
//
//	condition              why                                     until
//	outrigger-not-ready    no server answers it yet                 install has seen one answer
//	outrigger-paused       somebody has paused injection            resume
//	outrigger-adopted      an istiod's: Outrigger stands in for it  uninstall
const (
	notReady = "outrigger-not-ready"
	paused   = "outrigger-paused"
	adopted  = "outrigger-adopted"
)

// canaryEntry is the one by which is asked whether the API server reaches the webhook. It
// matches no pod but such that ask, and is never switched off.
const canaryEntry = "canary.injector.outrigger.dev"

// hasCondition says whether an entry has a condition of that name.
func hasCondition(w admissionv1.MutatingWebhook, name string) bool {
	return slices.ContainsFunc(w.MatchConditions, func(m admissionv1.MatchCondition) bool { return m.Name == name })
}

// isOff says whether every entry that matters has the condition.
func isOff(c *admissionv1.MutatingWebhookConfiguration, name string) bool {
	return !slices.ContainsFunc(c.Webhooks, func(w admissionv1.MutatingWebhook) bool {
		return w.Name != canaryEntry && !hasCondition(w, name)
	})
}

// setCondition switches all entries of a configuration off by a condition, or takes that
// away, in one update; with it goes an annotation of the same name that says by whom and
// when. It says whether there was anything to change. A configuration that is gone is none.
func (c *Cluster) setCondition(ctx context.Context, name, condition, why string, off bool) (changed bool, err error) {
	configurations := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := configurations.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		patch := conditionPatch(live, condition, why, off)
		if patch == nil {
			return nil
		}
		changed = true
		_, err = configurations.Patch(ctx, name, types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: "outrigger"})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("MutatingWebhookConfiguration %s: %w", name, err)
	}
	return changed, nil
}

// switchAll does so with several configurations.
func (c *Cluster) switchAll(ctx context.Context, names []string, condition, why string, off bool) error {
	for _, name := range names {
		if _, err := c.setCondition(ctx, name, condition, why, off); err != nil {
			return err
		}
	}
	return nil
}

// conditionPatch is the JSON Patch for that, nil where nothing is to be done. With the
// resource version in it no index can hit another entry.
func conditionPatch(c *admissionv1.MutatingWebhookConfiguration, condition, why string, off bool) []byte {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value,omitempty"`
	}
	operations := []operation{{"replace", "/metadata/resourceVersion", c.ResourceVersion}}
	for i, entry := range c.Webhooks {
		if entry.Name == canaryEntry || hasCondition(entry, condition) == off {
			continue
		}
		path := fmt.Sprintf("/webhooks/%d/matchConditions", i)
		at := slices.IndexFunc(entry.MatchConditions, func(m admissionv1.MatchCondition) bool { return m.Name == condition })
		never := admissionv1.MatchCondition{Name: condition, Expression: "false"}
		switch {
		case at >= 0:
			operations = append(operations, operation{"remove", fmt.Sprintf("%s/%d", path, at), nil})
		case len(entry.MatchConditions) == 0:
			operations = append(operations, operation{"add", path, []admissionv1.MatchCondition{never}})
		default:
			operations = append(operations, operation{"add", path + "/-", never})
		}
	}
	key := annotationOf(condition)
	_, noted := c.Annotations[key]
	switch {
	case off && !noted && c.Annotations == nil:
		operations = append(operations, operation{"add", "/metadata/annotations", map[string]string{key: why}})
	case off && !noted:
		operations = append(operations, operation{"add", "/metadata/annotations/" + escape(key), why})
	case !off && noted:
		operations = append(operations, operation{"remove", "/metadata/annotations/" + escape(key), nil})
	}
	if len(operations) == 1 {
		return nil
	}
	patch, _ := json.Marshal(operations) // strings always marshal
	return patch
}

// annotationOf is the annotation that goes with a condition: outrigger.dev/paused.
func annotationOf(condition string) string { return "outrigger.dev/" + condition[len("outrigger-"):] }

// escape writes a key as a step of a JSON Pointer.
func escape(key string) string {
	var out []byte
	for _, b := range []byte(key) {
		switch b {
		case '~':
			out = append(out, "~0"...)
		case '/':
			out = append(out, "~1"...)
		default:
			out = append(out, b)
		}
	}
	return string(out)
}
