package check

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"outrigger.dev/outrigger/internal/cluster"
)

// canary goes the whole way of an admission, and says how far it came:
//
//	came back                 is         reason
//	answered                  ok
//	the webhook not reached   an error   one of the table in internal/cluster
//	accepted, not answered    an error   not-called
//	accepted, not injected    a warning  not-injected
//	refused, as a right lacks a warning  forbidden
//	refused by somebody else  a warning  refused-by-others
//	nowhere to ask            a note     not-asked
func (c *Cluster) canary(ctx context.Context, of Installation, h hooks) Finding {
	namespace, err := c.reach(ctx, of, h)
	finding := func(level Level, reason, cure string) Finding {
		return Finding{Check: "canary", Level: level, Reason: reason, Text: err.Error(), Cure: cure}
	}
	var unreachable *cluster.Unreachable
	switch {
	case err == nil:
		return Finding{Check: "canary", Level: OK, Text: fmt.Sprintf("the API server reaches the webhook, asked by a dry run in namespace %q", namespace)}
	case errors.As(err, &unreachable):
		return finding(Error, unreachable.Reason, unreachable.Cure)
	case errors.Is(err, errNowhere):
		return finding(Note, "not-asked", "with canary.enabled=true it is asked in the namespace "+of.Namespace)
	case errors.Is(err, cluster.ErrNotCalled):
		return finding(Error, "not-called", "another version of the chart, or a changed selector: helm upgrade puts the webhook configuration back")
	case errors.Is(err, cluster.ErrNotInjected):
		return finding(Warning, "not-injected", "the server has skipped it, or was not called: kubectl -n "+of.Namespace+" logs deployment/"+of.name("outrigger-injector"))
	case strings.Contains(err.Error(), "cannot create resource"):
		return finding(Warning, "forbidden", "as somebody who may create pods there: kubectl auth can-i create pods -n "+namespace)
	}
	return finding(Warning, "refused-by-others", "something in the cluster refuses the pod that asks: see the reason it gives")
}
