// Inside the package: that reviews share a question shows in who waits for what.
package webhook

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"outrigger.dev/outrigger/inject"
)

// apiServer answers when it is told to, with the number of the question.
type apiServer struct {
	asked  int
	answer chan struct{}
}

func (s *apiServer) live(ctx context.Context, name string) (inject.Namespace, error) {
	s.asked++
	number := s.asked
	select {
	case <-s.answer:
		return inject.Namespace{Name: name, Labels: map[string]string{"question": strconv.Itoa(number)}}, nil
	case <-ctx.Done():
		return inject.Namespace{}, ctx.Err()
	}
}

func TestLookupsShareOnlyWhatIsAskedAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &apiServer{answer: make(chan struct{})}
		l := lookups{live: server.live, patience: time.Second}
		type answer struct{ reviewer, question string }
		answers := make(chan answer)
		ask := func(reviewer string) {
			go func() {
				ns, err := l.namespace(t.Context(), "shop")
				if err != nil {
					t.Error(err)
				}
				answers <- answer{reviewer, ns.Labels["question"]}
			}()
			synctest.Wait()
		}
		ask("first")
		for _, later := range []string{"second", "third", "fourth"} {
			ask(later)
		}
		server.answer <- struct{}{}
		if got, want := <-answers, (answer{"first", "1"}); got != want {
			t.Errorf("answered %v, want %v", got, want)
		}
		server.answer <- struct{}{}
		for range 3 {
			if got := <-answers; got.question != "2" {
				t.Errorf("%s was answered with question %s, want 2", got.reviewer, got.question)
			}
		}
		if server.asked != 2 {
			t.Errorf("the API server was asked %d times, want 2", server.asked)
		}
		synctest.Wait()
		if len(l.under) != 0 {
			t.Errorf("%d questions are left over", len(l.under))
		}
	})
}

func TestLookupsGiveUpInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &apiServer{answer: make(chan struct{})}
		l := lookups{live: server.live, patience: time.Second}
		began := time.Now()
		if _, err := l.namespace(t.Context(), "shop"); err == nil {
			t.Error("no answer came, and yet there is one")
		}
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("gave up after %s, want 1s", waited)
		}
		synctest.Wait()
		if len(l.under) != 0 {
			t.Errorf("%d questions are left over", len(l.under))
		}
	})
}
