package webhook_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/webhook"
)

func TestHandlerLogsOneLineAReview(t *testing.T) {
	for name, c := range map[string]struct {
		in   webhook.Injector
		body string
		want string
	}{
		"a pod without a name goes by its prefix": {
			in:   answering(injected),
			body: pod,
			want: `level=INFO msg=review uid=u-1 namespace=shop pod=web- dry_run=false verdict=inject reason=policy templates="[sidecar extra]"`,
		},
		"a named pod goes by its name": {
			in:   answering(skipped(inject.PodLabel, "")),
			body: strings.NewReplacer(`"namespace"`, `"name":"db-0","namespace"`, `"dryRun":false`, `"dryRun":true`).Replace(pod),
			want: `level=INFO msg=review uid=u-1 namespace=shop pod=db-0 dry_run=true verdict=skip reason=pod-label templates=[]`,
		},
		"a pod without metadata has no name": {
			in:   answering(skipped(inject.PodLabel, "")),
			body: strings.Replace(pod, `"metadata":{"generateName":"web-"},`, "", 1),
			want: `level=INFO msg=review uid=u-1 namespace=shop pod="" dry_run=false verdict=skip reason=pod-label templates=[]`,
		},
		"a fault": {
			in:   faulting("ignore"),
			body: pod,
			want: `level=ERROR msg=review uid=u-1 namespace=shop pod=web- dry_run=false verdict=fault reason=fault err="template \"sidecar\": does not render"`,
		},
		"somebody else's question": {
			in:   answering(injected),
			body: strings.Replace(pod, "CREATE", "UPDATE", 1),
			want: `level=INFO msg=review uid=u-1 namespace=shop pod=web- dry_run=false verdict=skip reason="UPDATE of a Pod is not the creation of a pod"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			post(handler(c.in, &log), c.body)
			line, took, _ := strings.Cut(log.String(), " took=")
			_, line, _ = strings.Cut(line, " ")
			if diff := cmp.Diff(c.want, line); diff != "" {
				t.Errorf("line without its times (-want +got):\n%s", diff)
			}
			if strings.Count(took, "\n") != 1 {
				t.Errorf("the line ends in %q, want one line with its duration last", took)
			}
		})
	}
}
