package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// What happens, as reports name it.
const (
	Rotation   = "authority changed"
	Deletion   = "replica deleted"
	Rollout    = "rolled out"
	BadConfig  = "configuration broken"
	GoodConfig = "configuration mended"
	Leaf       = "leaf served"
	GoodPair   = "good pair served"
	TornPair   = "torn pair refused"
	OldPair    = "expired pair refused"
	Kill       = "replica killed"
)

// rotateAuthority asks for another authority, twice: the second time while the first change is
// under way still, and is done when both have come to their end.
func (r *run) rotateAuthority(ctx context.Context, done func()) error {
	secrets := r.client.CoreV1().Secrets(outrigger.Namespace)
	name := "outrigger-injector-authority-" + r.revision
	patch := []byte(`{"metadata":{"annotations":{"outrigger.dev/rotate":"now"}}}`)
	for _, awaited := range []certs.Phase{certs.Retiring, certs.Settled} {
		if _, err := secrets.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
		for _, phase := range []certs.Phase{certs.Announced, awaited} {
			err := eventually(ctx, func(ctx context.Context) error {
				secret, err := secrets.Get(ctx, name, metav1.GetOptions{})
				if err != nil {
					return err
				}
				state, err := certs.ParseState(secret.Data)
				if err == nil && state.Phase() != phase {
					err = fmt.Errorf("authority: phase %q, want %q", state.Phase(), phase)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		r.report.note(Rotation)
	}
	done()
	return nil
}

// replaceReplicas deletes one replica after the other and rolls all of them out, again and
// again, and is done after the first time. What has begun is ended.
func (r *run) replaceReplicas(ctx context.Context, done func()) error {
	steps := []struct {
		replace func(context.Context) error
		what    string
	}{{r.deleteOldest, Deletion}, {r.deleteOldest, Deletion}, {r.rollOut, Rollout}}
	for n := 0; ctx.Err() == nil; n++ {
		step := steps[n%len(steps)]
		if err := step.replace(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		r.report.note(step.what)
		if n == len(steps)-1 {
			done()
		}
	}
	return nil
}

// deleteOldest deletes the replica that is there for longest and returns when there are two.
func (r *run) deleteOldest(ctx context.Context) error {
	pods, err := r.replicas(ctx)
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		return errors.New("no replica to delete")
	}
	if err := r.client.CoreV1().Pods(outrigger.Namespace).Delete(ctx, pods[0].Name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	return errors.Join(r.awaitGone(ctx, pods[0].Name), r.awaitReplicas(ctx))
}

// awaitGone returns when a pod has ended, which takes as long as its preStop and its delay.
func (r *run) awaitGone(ctx context.Context, name string) error {
	return eventually(ctx, func(ctx context.Context) error {
		list, err := r.client.CoreV1().Pods(outrigger.Namespace).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
		if err == nil && len(list.Items) > 0 {
			err = fmt.Errorf("pod %q: still there", name)
		}
		return err
	})
}

// rollOut does what kubectl rollout restart does, and returns when two new replicas are ready.
func (r *run) rollOut(ctx context.Context) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{
		"annotations": map[string]string{"kubectl.kubernetes.io/restartedAt": time.Now().Format(time.RFC3339Nano)},
	}}}})
	if err != nil {
		return err
	}
	_, err = r.client.AppsV1().Deployments(outrigger.Namespace).Patch(ctx, r.name(), types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return err
	}
	return r.awaitReplicas(ctx)
}

// broken is a configuration whose template is none.
const broken = "policy: enabled\ntemplates:\n  sidecar: |\n    spec: {{ .Nonsense }\n"

// flipEvery is the pace of changes of the configuration, which each take a moment to be known.
const flipEvery = 2 * time.Second

// flipConfiguration breaks the configuration and mends it, again and again, each time when the
// replicas that are ready have taken in the last change. It is done after three times.
func (r *run) flipConfiguration(ctx context.Context, done func()) error {
	name := "outrigger-" + r.revision
	maps := r.client.CoreV1().ConfigMaps(outrigger.Namespace)
	before, err := maps.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	good := before.Data["config"]
	for n := 1; ctx.Err() == nil; n++ {
		for _, flip := range []struct {
			config, refused, what string
		}{{broken, "1", BadConfig}, {good, "0", GoodConfig}} {
			if err := r.configure(context.WithoutCancel(ctx), name, flip.config, flip.refused); err != nil {
				return err
			}
			r.report.note(flip.what)
			wait(ctx, flipEvery)
		}
		if n == 3 {
			done()
		}
	}
	return nil
}

// configure writes the configuration, and returns when each replica that is ready says that it
// refuses it, or does not.
func (r *run) configure(ctx context.Context, name, config, refused string) error {
	patch, err := json.Marshal(map[string]any{"data": map[string]string{"config": config}})
	if err != nil {
		return err
	}
	if _, err := r.client.CoreV1().ConfigMaps(outrigger.Namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	return r.eachReady(ctx, func(ctx context.Context, pod *corev1.Pod) error {
		return wantMetric(ctx, pod, "outrigger_configuration_refused", func(value string) bool { return value == refused })
	})
}

// eachReady returns when each replica that is ready is as wanted. Those that are about to go
// do not count.
func (r *run) eachReady(ctx context.Context, want func(context.Context, *corev1.Pod) error) error {
	return eventually(ctx, func(ctx context.Context) error {
		pods, err := r.replicas(ctx)
		if err != nil {
			return err
		}
		for _, pod := range pods {
			if !ready(&pod) {
				continue
			}
			if err := want(ctx, &pod); err != nil {
				return err
			}
		}
		return nil
	})
}
