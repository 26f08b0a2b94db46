package dryrun

import (
	"context"
	"slices"
	"time"

	"outrigger.dev/outrigger/inject"
)

// Live is what the runner knows of the state of the server; the rest is the caller's
// to fill in.
func (r *Runner) Live(ctx context.Context) *Live {
	source := r.Source()
	live := &Live{
		APIVersion: APIVersion, Kind: LiveKind, Templates: []LiveTemplate{}, Webhooks: []LiveWebhook{}, Recent: []Recent{},
	}
	if source.Injector != nil {
		live.Configuration = Configuration{
			Hash: source.Injector.Hash(), Revision: source.Injector.Revision(), From: source.From, Since: source.Since.UTC().Format(time.RFC3339),
		}
		live.Templates = liveTemplates(source.Injector)
	}
	if r.Cluster.Webhooks == nil {
		return live
	}
	list, err := r.Cluster.Webhooks(ctx)
	if err != nil {
		live.WebhooksError = err.Error()
		return live
	}
	all := Configurations{List: list, Revision: live.Configuration.Revision}
	for _, configuration := range all.ordered() {
		for _, hook := range configuration.Webhooks {
			live.Webhooks = append(live.Webhooks, LiveWebhook{
				Configuration: configuration.Name, Name: hook.Name, FailurePolicy: text(hook.FailurePolicy),
				ReinvocationPolicy: text(hook.ReinvocationPolicy), Ours: all.ours(configuration),
			})
		}
	}
	return live
}

func liveTemplates(in *inject.Injector) []LiveTemplate {
	out := []LiveTemplate{}
	for _, t := range in.Templates() {
		found := LiveTemplate{Name: t.Name, Default: t.Default, Aliases: slices.Clone(t.Aliases), Source: "configuration"}
		if t.Builtin {
			found.Source = "built-in"
		}
		if t.Quarantined != nil {
			found.Quarantined = t.Quarantined.Error()
		}
		out = append(out, found)
	}
	return out
}
