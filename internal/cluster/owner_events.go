package cluster

import (
	"context"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/flowcontrol"
)

// Bounds on events about workloads.
const (
	// maxWaiting is how many may wait to be left; what comes then is dropped.
	maxWaiting = 256
	// saidFor is how long an event is not left again: as long as the API server keeps
	// one, by default. maxSaid is of how many this is remembered.
	saidFor = time.Hour
	maxSaid = 4096
	// eventsPerSecond and eventBurst bound what goes to the API server.
	eventsPerSecond = 1
	eventBurst      = 20
	eventTimeout    = 10 * time.Second
)

// An OwnerEvent is a warning about the pods of a workload.
type OwnerEvent struct {
	About           corev1.ObjectReference
	Reason, Message string
}

// OwnerEvents leaves events on workloads whose pods do not become what somebody
// wants: one for all pods of a workload, whichever replica sees them. It needs the
// right to create events in every namespace.
type OwnerEvents struct {
	client corev1client.EventsGetter
	log    *slog.Logger
	queue  chan OwnerEvent
	// said is when each was left; it belongs to Run.
	said map[OwnerEvent]time.Time
}

// NewOwnerEvents makes one that leaves events once it runs.
func NewOwnerEvents(client corev1client.EventsGetter, log *slog.Logger) *OwnerEvents {
	return &OwnerEvents{client: client, log: log, queue: make(chan OwnerEvent, maxWaiting), said: map[OwnerEvent]time.Time{}}
}

// Leave has an event left some time later. It never waits: where too many do, it drops
// the event. Safe for concurrent use.
func (e *OwnerEvents) Leave(event OwnerEvent) {
	select {
	case e.queue <- event:
	default:
	}
}

// Run leaves events until ctx ends.
func (e *OwnerEvents) Run(ctx context.Context) {
	limit := flowcontrol.NewTokenBucketRateLimiter(eventsPerSecond, eventBurst)
	defer limit.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-e.queue:
			if !e.isNew(event, time.Now()) || limit.Wait(ctx) != nil {
				continue
			}
			e.leave(ctx, event)
		}
	}
}

// isNew says whether an event has not been left lately, and remembers it.
func (e *OwnerEvents) isNew(event OwnerEvent, now time.Time) bool {
	if at, ok := e.said[event]; ok && now.Sub(at) < saidFor {
		return false
	}
	if len(e.said) >= maxSaid {
		clear(e.said)
	}
	e.said[event] = now
	return true
}

func (e *OwnerEvents) leave(ctx context.Context, event OwnerEvent) {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	if err := leaveEvent(ctx, e.client, event.About, event.Reason+event.Message, event.Reason, event.Message); err != nil {
		e.log.Warn("event not left", "kind", event.About.Kind, "namespace", event.About.Namespace, "name", event.About.Name, "err", err)
	}
}
