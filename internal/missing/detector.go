package missing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"outrigger.dev/outrigger/inject"
)

const (
	// maxOwners is how many workloads a scan remembers for their events. Pods of more
	// are counted, and told of by a later scan.
	maxOwners = 1000
	// maxEvents is how many events one scan leaves.
	maxEvents = 100
	// tellAgain is after what time a workload is told of once more: an API server
	// keeps events for an hour.
	tellAgain = time.Hour
)

// A Detector looks at all pods again and again, and reports those that should have a
// sidecar and have none: a metric counts them, and their controllers get an event where
// that is wanted. It changes nothing. Fields are set before Run.
type Detector struct {
	Pods Pods
	// Namespace is what is known of a namespace; false where that is nothing.
	Namespace func(name string) (inject.Namespace, bool)
	// Configurations are our webhook configurations as they are stored.
	Configurations func(ctx context.Context) ([]admissionv1.MutatingWebhookConfiguration, error)
	// Decider decides as the webhook does; nil while there is no configuration.
	Decider func() Decider
	// Tell leaves an event; nil for none.
	Tell    func(ctx context.Context, about corev1.ObjectReference, message string) error
	Every   time.Duration
	Metrics *Metrics
	Log     *slog.Logger

	// known are the configurations that were last there: while there are none, pods
	// miss their sidecars for just that.
	known []admissionv1.MutatingWebhookConfiguration
	told  map[types.UID]time.Time
}

// Run looks until ctx ends.
func (d *Detector) Run(ctx context.Context) {
	defer d.Metrics.forget()
	for {
		if err := d.scan(ctx); err != nil && ctx.Err() == nil {
			d.Metrics.failed()
			d.Log.Warn("pods were not looked at for missing sidecars", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(d.Every):
		}
	}
}

// A workload is what one controller's pods miss.
type workload struct {
	about corev1.ObjectReference
	first Finding
	pods  int
}

// scan looks once.
func (d *Detector) scan(ctx context.Context) error {
	judge, err := d.judge(ctx)
	if err != nil {
		return err
	}
	reasons, workloads, all := map[inject.Reason]int{}, map[types.UID]*workload{}, 0
	looked, err := judge.Scan(ctx, d.Pods, d.Namespace, func(pod *corev1.Pod, f Finding) {
		all++
		reasons[f.Reason]++
		about := aboutWhom(pod, f)
		w, known := workloads[about.UID]
		if !known {
			if len(workloads) == maxOwners {
				return
			}
			w = &workload{about: about, first: f}
			workloads[about.UID] = w
		}
		w.pods++
	})
	if err != nil {
		return err
	}
	d.Metrics.done(reasons, time.Now())
	d.Log.Info("looked for missing sidecars", "pods", looked, "missing", all)
	if d.Tell != nil {
		d.tell(ctx, workloads, time.Now())
	}
	return nil
}

// judge is who decides by what is stored and in force now.
func (d *Detector) judge(ctx context.Context) (Judge, error) {
	decider := d.Decider()
	if decider == nil {
		return Judge{}, errors.New("no configuration is in force")
	}
	configurations, err := d.Configurations(ctx)
	if err != nil {
		return Judge{}, err
	}
	if len(configurations) > 0 {
		d.known = configurations
	}
	if len(d.known) == 0 {
		return Judge{}, errors.New("there is no webhook configuration")
	}
	webhooks, err := ReadWebhooks(d.known...)
	return Judge{Webhooks: webhooks, Decider: decider}, err
}

// aboutWhom is what the event of a pod is left on: its controller, for which there are
// many pods, or itself.
func aboutWhom(pod *corev1.Pod, f Finding) corev1.ObjectReference {
	if c := f.Controller; c != nil {
		return corev1.ObjectReference{APIVersion: c.APIVersion, Kind: c.Kind, Namespace: pod.Namespace, Name: c.Name, UID: c.UID}
	}
	return corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID}
}

// tell leaves an event on each workload that has had none for a while, those with
// most pods first. One that cannot be left, as in a namespace that is going, keeps no
// other from being left.
func (d *Detector) tell(ctx context.Context, workloads map[types.UID]*workload, now time.Time) {
	maps.DeleteFunc(d.told, func(uid types.UID, at time.Time) bool {
		return workloads[uid] == nil || now.Sub(at) >= tellAgain
	})
	if d.told == nil {
		d.told = map[types.UID]time.Time{}
	}
	var untold []*workload
	for uid, w := range workloads {
		if _, told := d.told[uid]; !told {
			untold = append(untold, w)
		}
	}
	slices.SortFunc(untold, func(a, b *workload) int {
		return cmp.Or(b.pods-a.pods, cmp.Compare(a.about.Namespace+"/"+a.about.Name, b.about.Namespace+"/"+b.about.Name))
	})
	for _, w := range untold[:min(len(untold), maxEvents)] {
		d.told[w.about.UID] = now
		if err := d.Tell(ctx, w.about, w.message()); err != nil {
			d.Log.Warn("event not left", "namespace", w.about.Namespace, "owner", w.about.Kind+"/"+w.about.Name, "err", err)
		}
	}
}

// message says what is missing, why it is due, and what to type.
func (w *workload) message() string {
	who := fmt.Sprintf("pod %s has no sidecar, though one is due", w.first.Pod)
	if w.pods > 1 {
		who = fmt.Sprintf("%d pods, %s among them, have no sidecar, though one is due", w.pods, w.first.Pod)
	}
	return fmt.Sprintf("%s (%s: %s); %s", who, w.first.Reason, w.first.Sentence, w.first.Cure())
}

// Cure is how to have a new pod in the place of the one that was found.
func (f Finding) Cure() string {
	switch f.Owner.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return fmt.Sprintf("to mend it: kubectl -n %s rollout restart %s %s", f.Namespace, strings.ToLower(f.Owner.Kind), f.Owner.Name)
	}
	if f.Controller == nil {
		return "to mend it, delete the pod and create it again"
	}
	return fmt.Sprintf("to mend it: kubectl -n %s delete pod %s", f.Namespace, f.Pod)
}
