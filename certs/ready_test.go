package certs_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadySaysWhatIsMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		storeFault, publishFault error
		want                     string
	}{
		"the store cannot be read": {
			errors.New(`secret "a/b": forbidden`), nil,
			`no serving certificate yet: secret "a/b": forbidden`,
		},
		"the bundle cannot be published": {
			nil, errors.New(`webhook configuration "w": not found`),
			`board: CA bundle: empty: webhook configuration "w": not found`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, published := &memory{fault: tc.storeFault}, &board{fault: tc.publishFault}
				keeper := newKeeper(store, published)
				if err := keeper.Ready(time.Now()); err == nil || err.Error() != "no serving certificate yet" {
					t.Errorf("before the first pass: %v", err)
				}
				defer run(t, keeper)()
				synctest.Wait()
				err := keeper.Ready(time.Now())
				if err == nil {
					t.Fatal("ready")
				}
				if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				store.mu.Lock()
				store.fault = nil
				store.mu.Unlock()
				published.mu.Lock()
				published.fault = nil
				published.mu.Unlock()
				time.Sleep(5 * time.Second)
				if err := keeper.Ready(time.Now()); err != nil {
					t.Errorf("after it was mended: %v", err)
				}
			})
		})
	}
}

func TestReadyFollowsWhatIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published := &board{}
		keeper := newKeeper(&memory{}, published)
		defer run(t, keeper)()
		time.Sleep(time.Second)
		if err := keeper.Ready(time.Now()); err != nil {
			t.Fatal(err)
		}
		published.mu.Lock()
		published.fault = errors.New("forbidden")
		published.mu.Unlock()
		published.wipe()
		time.Sleep(time.Second)
		if err := keeper.Ready(time.Now()); err == nil || err.Error() != "board: CA bundle: empty: forbidden" {
			t.Errorf("ready is %v while nothing is published", err)
		}
	})
}
