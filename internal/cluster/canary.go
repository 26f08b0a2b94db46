package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"outrigger.dev/outrigger/inject"
)

// A Canary asks the API server to create a pod, as a dry run that leaves nothing
// behind, and looks whether the webhook was called and answered: by name and Service,
// network and certificate, the whole way that an admission goes. It needs the right to
// create pods in its namespace, which Kubernetes cannot bind to dry runs.
type Canary struct {
	Pods corev1client.PodInterface
	// Key is the label, with Revision for its value, and the annotation that goes
	// out as Asked and has to come back as Answered.
	Key, Revision, Asked, Answered string
}

// What may become of a canary, besides that it is answered.
var (
	// ErrUnreachable: the API server called the webhook in vain.
	ErrUnreachable = errors.New("the API server does not reach the webhook")
	// ErrNotCalled: the pod was accepted, and the webhook had no part in it.
	ErrNotCalled = errors.New("the API server did not call the webhook: is there an entry canary in its configuration?")
	// ErrNotInjected: the pod was accepted, asked for a revision, and got no sidecar.
	ErrNotInjected = errors.New("a pod that asks for the revision got no sidecar")
	// ErrRefused: somebody else refused the pod.
	ErrRefused = errors.New("the canary's pod was refused")
)

// Call asks once. It returns nil where the webhook answered, and one of the errors
// above, with the API server's own words, where not.
func (c *Canary) Call(ctx context.Context) error {
	pod, err := tried(ctx, c.Pods, c.pod())
	if err == nil && pod.Annotations[c.Key] != c.Answered {
		err = ErrNotCalled
	}
	return err
}

// AskAsPod asks as a [Canary] does, by a pod as any other: one that asks for a revision,
// in a namespace that leaves that to pods. It returns nil where the pod was injected.
func AskAsPod(ctx context.Context, pods corev1client.PodInterface, revision string) error {
	pod, err := tried(ctx, pods, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "outrigger-canary-", Labels: map[string]string{inject.RevisionLabel: revision}},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			Containers:                   []corev1.Container{{Name: "canary", Image: "registry.k8s.io/pause"}},
		},
	})
	if err == nil && pod.Annotations[inject.RecordAnnotation] == "" {
		err = ErrNotInjected
	}
	return err
}

// tried creates a pod by a dry run, and says who it was that did not have it.
func tried(ctx context.Context, pods corev1client.PodInterface, pod *corev1.Pod) (*corev1.Pod, error) {
	made, err := pods.Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager})
	switch {
	case err != nil && strings.Contains(err.Error(), "failed calling webhook"):
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return made, nil
}

// pod is one that the strictest Pod Security lets pass.
func (c *Canary) pod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "outrigger-canary-",
			Labels:       map[string]string{c.Key: c.Revision},
			Annotations:  map[string]string{c.Key: c.Asked},
		},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(65532)),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "canary", Image: "registry.k8s.io/pause",
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false),
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
}
