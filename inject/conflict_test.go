package inject_test

import (
	"fmt"
	"strings"
	"testing"

	"outrigger.dev/outrigger/inject"
)

// The API server takes 256 KiB of annotations, and an injection needs some.
func TestRoomForAnnotations(t *testing.T) {
	const most = 256 << 10
	in := newInjector(t, `{policy: enabled}`)
	for name, c := range map[string]struct {
		size int
		want inject.Verdict
	}{
		"room for both":           {most - 16<<10, inject.Inject},
		"room for the pod's":      {most - 100, inject.Deny},
		"to the last byte":        {most, inject.Deny},
		"none even for the pod's": {most + 1, inject.Inject},
	} {
		t.Run(name, func(t *testing.T) {
			pod := fmt.Sprintf(`{"metadata":{"name":"web","annotations":{"large":%q}},"spec":{"containers":[{"name":"app"}]}}`,
				strings.Repeat("x", c.size-len("large")))
			got, err := in.Inject(inject.Request{Pod: []byte(pod), Namespace: inject.Namespace{Name: "shop"}})
			if err != nil || got.Decision.Verdict != c.want {
				t.Fatalf("%s %s, %v; want %s", got.Decision.Verdict, got.Decision.Sentence, err, c.want)
			}
			if want := fmt.Sprintf("annotations: the pod has %d bytes and an injection adds ", c.size); c.want == inject.Deny && !strings.HasPrefix(got.Decision.Sentence, want) {
				t.Errorf("%q, want it to begin with %q", got.Decision.Sentence, want)
			}
		})
	}
}
