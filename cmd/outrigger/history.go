package main

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/status"
)

// A history is what happened to a pod that there is.
type history struct {
	// Injected says whether it has a sidecar, and By by which revision, configuration
	// and reason, where its record says.
	Injected bool   `json:"injected"`
	By       string `json:"by,omitempty"`
	// State is what "outrigger status" says of the pod. It is by the cluster as it is, and by
	// whichever revision is called there, whatever else was asked.
	State status.State `json:"state"`
	// Differs says whether a new pod would be another one, Refused that there would be
	// none; Differences are the places where both have a sidecar, and Compared that they
	// have been looked for.
	Differs     bool                `json:"differs"`
	Refused     bool                `json:"refused,omitempty"`
	Compared    bool                `json:"compared"`
	Differences []inject.Difference `json:"differences,omitempty"`
	// Fault is why the pod cannot be compared with a new one.
	Fault string `json:"fault,omitempty"`
	// Events are Outrigger's on the pod's controller.
	Events []string `json:"events,omitempty"`
}

// history finds what happened to a pod.
func (b *basis) history(ctx context.Context, pod *corev1.Pod) (*history, error) {
	scene, err := b.surroundings(ctx, pod.Namespace)
	if err != nil {
		return nil, err
	}
	verdict, err := scene.VerdictOn(ctx, pod)
	if err != nil {
		return nil, err
	}
	h := &history{Injected: inject.Injected(pod), Compared: scene.Compares()}
	if of, ok := inject.InjectionOf(pod); ok && of.Config != "" {
		h.By = fmt.Sprintf("revision %s, configuration %s, because of %s", of.Revision, of.Config, of.Reason)
	}
	sayUnseen(b.say, scene.Unseen[len(b.unseen):]) // the others have been said
	if !h.Compared {
		verdict.Differences = nil
	}
	h.Differences = verdict.Differences
	if verdict.Fault != nil {
		h.Fault = verdict.Fault.Error()
	}
	h.State = status.OfPod(verdict)
	h.Differs = h.State != status.Injected && h.State != status.Skipped
	h.Refused = h.State == status.Refused
	h.Events, err = b.events(ctx, pod)
	return h, err
}

// events are Outrigger's about a pod's controller.
func (b *basis) events(ctx context.Context, pod *corev1.Pod) ([]string, error) {
	controller := metav1.GetControllerOf(pod)
	if controller == nil {
		return nil, nil
	}
	list, err := b.client.CoreV1().Events(pod.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.uid=" + string(controller.UID)})
	if err != nil {
		return nil, nil // who may not read events gets the rest
	}
	var out []string
	for _, event := range list.Items {
		if event.Source.Component == "outrigger-injector" || strings.HasPrefix(event.Source.Component, "outrigger") {
			out = append(out, event.Reason+": "+event.Message)
		}
	}
	return out, nil
}

// text is a history for a terminal; nothing where there is none.
func (h *history) text() string {
	if h == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nwhat happened\n")
	if h.Injected {
		fmt.Fprintf(&b, "  the pod has a sidecar%s\n", prefixed(": ", printable(h.By)))
	} else {
		b.WriteString("  the pod has no sidecar\n")
	}
	fmt.Fprintf(&b, "  %s\n", h.next())
	for _, d := range h.Differences {
		fmt.Fprintf(&b, "    %s\n", shortened(printable(d.String())))
	}
	for _, event := range h.Events {
		fmt.Fprintf(&b, "  event: %s\n", printable(event))
	}
	return b.String()
}

// next says what a new pod would have.
func (h *history) next() string {
	const cure = ": restart its workload to have it so"
	switch {
	case h.State == status.Refused:
		return "a new pod would be refused"
	case h.State == status.Missed:
		return "a new pod would have one" + cure
	case h.State == status.Leftover:
		return "a new pod would have none" + cure
	case h.State == status.Skipped:
		return "a new pod would have none either"
	case h.Fault != "":
		return "it cannot be compared with a new pod: " + printable(h.Fault)
	case h.State == status.Outdated:
		return fmt.Sprintf("a new pod would differ in %s%s", count(len(h.Differences), "place"), cure)
	case !h.Compared:
		return "a new pod would have one, too; whether it would differ is not known"
	}
	return "a new pod would be the same"
}

// prefixed is a text with what comes before it, nothing where it is empty.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
