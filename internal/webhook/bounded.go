package webhook

import "context"

// DefaultPlaces is how many reviews are worked on at a time. An API server has
// 200 changes under way by default, so one of them alone never finds us full.
const DefaultPlaces = 256

// Bounded returns a Reviewer that works on at most so many reviews at a time
// and answers the next with [ErrOverload] at once. There is no queue: one that
// is longer than the API server's patience would only make work for nobody.
func Bounded(next Reviewer, places int) Reviewer {
	return &bounded{next: next, places: make(chan struct{}, places)}
}

type bounded struct {
	next   Reviewer
	places chan struct{}
}

func (b *bounded) Review(ctx context.Context, review Review) (Answer, error) {
	select {
	case b.places <- struct{}{}:
		defer func() { <-b.places }()
		return b.next.Review(ctx, review)
	default:
		return Answer{}, ErrOverload
	}
}
