package webhook

import (
	"context"
	"sync"
	"time"

	"outrigger.dev/outrigger/inject"
)

// lookups asks the API server for namespaces, with one question for all the
// reviews that wait for the same namespace.
//
// A review shares only a question that is asked after it arrived: one that was
// already on its way may have been answered before the namespace was labelled,
// and its answer would be as late as the cache. So for each namespace there is
// at most one question on its way and one more that waits for it to come back.
type lookups struct {
	live     func(ctx context.Context, name string) (inject.Namespace, error)
	patience time.Duration

	mu    sync.Mutex
	under map[string]*lookup
}

// lookup is one question, on its way or waiting to be asked.
type lookup struct {
	done      chan struct{}
	namespace inject.Namespace
	err       error
	// next is the question to ask when this one is answered.
	next *lookup
}

// namespace returns what the API server says of a namespace now, or why that is
// not known in time. The reviews that share a question wait for it each on its
// own, and none that gives up takes the answer from the others.
func (l *lookups) namespace(ctx context.Context, name string) (inject.Namespace, error) {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	asked := l.join(name)
	select {
	case <-asked.done:
		return asked.namespace, asked.err
	case <-ctx.Done():
		return inject.Namespace{}, ctx.Err()
	}
}

// join returns the question that a review arriving now may share.
func (l *lookups) join(name string) *lookup {
	l.mu.Lock()
	defer l.mu.Unlock()
	underWay := l.under[name]
	switch {
	case underWay == nil:
		asked := &lookup{done: make(chan struct{})}
		if l.under == nil {
			l.under = map[string]*lookup{}
		}
		l.under[name] = asked
		go l.ask(name, asked)
		return asked
	case underWay.next == nil:
		underWay.next = &lookup{done: make(chan struct{})}
	}
	return underWay.next
}

// ask asks one question after the other until nobody has another.
func (l *lookups) ask(name string, asked *lookup) {
	for asked != nil {
		ctx, cancel := context.WithTimeout(context.Background(), l.patience)
		asked.namespace, asked.err = l.live(ctx, name)
		cancel()
		close(asked.done)

		l.mu.Lock()
		asked = asked.next
		if asked == nil {
			delete(l.under, name)
		} else {
			l.under[name] = asked
		}
		l.mu.Unlock()
	}
}
