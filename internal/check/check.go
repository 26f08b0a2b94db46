// Package check asks a cluster whether an installation of Outrigger works, with the
// rights of whoever asks, and changes nothing. What it finds wrong comes with its cure:
//
//	check        looks at                                            in
//	webhook      the revision's webhook configurations and its tags' webhooks.go
//	caBundle     what each of their entries trusts                   webhooks.go
//	certificate  what cert-manager says, where that issues           certificate.go
//	server       the Deployment, and who answers for the Service     server.go
//	readiness    what each replica says of itself at /readyz         readiness.go
//	canary       an admission, all the way, as a dry run             reach.go
//
// What the caller may not read is a note or a warning: it is not known to be wrong.
package check

import (
	"context"
	"slices"
	"time"

	certmanagerclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/internal/cluster"
)

// An Installation is what is looked at.
type Installation struct {
	// Namespace is the one that the chart is installed in.
	Namespace string `json:"namespace"`
	// Revision is the chart's; "default" for the first installation.
	Revision string `json:"revision"`
	// Ask is the namespace that a pod is asked for in where the entry canary is switched
	// off: one without labels. One is looked for where it is "".
	Ask string `json:"-"`
}

// name is what the chart calls a thing of the installation.
func (i Installation) name(of string) string {
	return cluster.Revised(of, i.Revision)
}

// selector finds what the chart has made for the installation.
func (i Installation) selector() string {
	return "app.kubernetes.io/name=outrigger-injector,outrigger.dev/revision=" + i.Revision
}

// A Level is how bad a finding is.
type Level string

// The levels, from good to bad.
const (
	OK      Level = "ok"
	Note    Level = "note"
	Warning Level = "warning"
	Error   Level = "error"
)

var levels = []Level{OK, Note, Warning, Error}

// AtLeast says whether a level is as bad as another, or worse.
func (l Level) AtLeast(other Level) bool {
	return slices.Index(levels, l) >= slices.Index(levels, other)
}

// A Finding is what one check has to say about one thing.
type Finding struct {
	// Check is one of the table above.
	Check string `json:"check"`
	Level Level  `json:"level"`
	// Reason is a constant word for programs; "" where the level is OK.
	Reason string `json:"reason,omitempty"`
	// Text says what is so, and Cure the one thing to do about it, where there is one.
	Text string `json:"text"`
	Cure string `json:"cure,omitempty"`
}

// A Cluster is one that can be asked. Safe for concurrent use.
type Cluster struct {
	Kubernetes  cluster.Client
	CertManager certmanagerclient.CertmanagerV1Interface
}

// Connect is for a cluster that is reached by config.
func Connect(config *rest.Config) (*Cluster, error) {
	client, err := cluster.NewClient(config)
	if err != nil {
		return nil, err
	}
	inJSON := rest.CopyConfig(config) // the API server has custom resources in nothing else
	inJSON.ContentType, inJSON.AcceptContentTypes = runtime.ContentTypeJSON, ""
	certManager, err := certmanagerclient.NewForConfig(inJSON)
	if err != nil {
		return nil, err
	}
	return &Cluster{Kubernetes: client, CertManager: certManager}, nil
}

// Check looks at everything once, in the order of the table above, and has at least
// one finding of each check that applies.
func (c *Cluster) Check(ctx context.Context, of Installation) []Finding {
	hooks, findings := c.webhooks(ctx, of)
	if hooks == nil {
		return findings
	}
	findings = append(findings, hooks.bundles()...)
	findings = append(findings, c.certificate(ctx, hooks)...)
	if !hooks.outside() {
		findings = append(findings, c.server(ctx, of)...)
		findings = append(findings, c.readiness(ctx, of)...)
	}
	return append(findings, c.canary(ctx, of, hooks))
}

const (
	// again is how soon Await looks again, and patience how long one look may take: longer
	// than a webhook may.
	again    = time.Second
	patience = 40 * time.Second
)

// Await looks again and again until nothing is as bad as a level, or worse, for so long as
// wait; once where that is 0. It returns what it found last, and an error if ctx ends.
func (c *Cluster) Await(ctx context.Context, of Installation, bad Level, wait time.Duration) ([]Finding, error) {
	for until := time.Now().Add(wait); ; {
		looking, done := context.WithTimeout(ctx, patience)
		findings := c.Check(looking, of)
		done()
		if !Worst(findings).AtLeast(bad) || !time.Now().Before(until) {
			return findings, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(again):
		}
	}
}

// Worst is the level of the worst finding.
func Worst(findings []Finding) Level {
	worst := OK
	for _, f := range findings {
		if f.Level.AtLeast(worst) {
			worst = f.Level
		}
	}
	return worst
}
