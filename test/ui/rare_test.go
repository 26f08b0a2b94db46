package ui_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/dryrun"
	"outrigger.dev/outrigger/internal/dryrun/page"
)

// rareServer serves the page with answers by name: the manifest is one of rarePods,
// or "none".
func rareServer(t *testing.T) string {
	t.Helper()
	handler := &dryrun.Handler{
		Answer: func(_ context.Context, q dryrun.Question) (*dryrun.Answer, error) {
			answer := &dryrun.Answer{
				APIVersion: dryrun.APIVersion, Kind: dryrun.AnswerKind, Pods: []dryrun.Pod{}, Timings: []dryrun.Timing{},
				Configuration: dryrun.Configuration{Hash: "0123456789ab", Revision: "canary", Assumed: []string{"revision"}},
			}
			if pod, ok := rarePods()[q.Manifest]; ok {
				answer.Pods = append(answer.Pods, pod)
			}
			return answer, nil
		},
		Live: func(context.Context) (*dryrun.Live, error) { return rareLive(), nil },
		Page: page.Handler(), Log: slog.New(slog.DiscardHandler), Local: true,
	}
	server := httptest.NewServer(handler.New())
	t.Cleanup(server.Close)
	return server.URL
}

// rarePods are pods of which what is rare is made up.
func rarePods() map[string]dryrun.Pod {
	outcome := func(verdict, sentence string) dryrun.Pod {
		return dryrun.Pod{
			Manifest:  dryrun.Manifest{APIVersion: "v1", Kind: "Pod", Name: "web", Namespace: "shop", Document: 1, Line: 1},
			Namespace: dryrun.Namespace{Name: "shop", From: "missing"},
			Outcome:   dryrun.Outcome{Verdict: verdict, Reason: inject.UnknownTemplate, Sentence: sentence, By: "outrigger"},
			Trace: []dryrun.Step{
				{Stage: "api-server", Rule: "outrigger-injector/namespace.injector.outrigger.dev", Input: "all 3 conditions hold", Outcome: "call"},
				{Stage: "outrigger", Rule: string(inject.UnknownTemplate), Input: sentence, Outcome: verdict, Deciding: true},
			},
			Call:   dryrun.Call{Called: true, From: "chart"},
			Before: json.RawMessage(`{"metadata":{"annotations":{"old":"1"}}}`), After: json.RawMessage(`{"metadata":{"annotations":{"old":"1"}}}`),
			Patch: []dryrun.Operation{}, Timings: []dryrun.Timing{},
			StartOrder: dryrun.StartOrder{Before: []dryrun.Container{}, After: []dryrun.Container{}},
		}
	}
	fault := outcome("fault", "the fault is ours")
	fault.Fault = `template "sidecar": does not render`
	checks := outcome("inject", "policy is enabled")
	checks.Warnings = []string{"dnsPolicy: is None, and the proxy needs the cluster's DNS"}
	checks.Checks = []dryrun.Check{
		{By: "pod-security", Name: "enforce: baseline", Verdict: "refuse", Sentences: []string{"istio-init must not add NET_ADMIN"}, ByInjection: true},
		{By: "limit-range", Name: "limits", Verdict: "warn", Sentences: []string{"istio-proxy has more than half of what is left"}},
		{By: "resource-quota", Name: "quota", Verdict: "unknown"},
	}
	checks.Call.Others = []dryrun.Entry{{Configuration: "policies", Name: "mutate.example.com", Calls: true, Order: 5, FailurePolicy: "Ignore"}}
	checks.After = json.RawMessage(`{"metadata":{"annotations":{"new":"2"}}}`)
	checks.Patch = []dryrun.Operation{{Op: "remove", Path: "/metadata/annotations/old"}, {Op: "add", Path: "/metadata/annotations/new", Value: json.RawMessage(`"2"`)}}
	checks.Origins = []dryrun.Origin{{Path: "/metadata/annotations/old", By: "retired", Op: "remove"}, {Path: "/metadata/annotations/new", By: "template sidecar", Op: "add"}}
	return map[string]dryrun.Pod{
		"deny": outcome("deny", `template "nope" is not there, want one of sidecar, gateway`), "fault": fault, "checks": checks,
		"hostile": outcome("skip", `<img src=x onerror=alert(1)><script>alert(2)</script><b>"`),
	}
}

// rareLive is a server that somebody should look after.
func rareLive() *dryrun.Live {
	return &dryrun.Live{
		APIVersion: dryrun.APIVersion, Kind: dryrun.LiveKind, Version: "v0",
		Configuration: dryrun.Configuration{Hash: "0123456789ab", Revision: "default", Since: "2026-01-01T00:00:00Z"},
		Refused:       "config: line 3: not YAML",
		Templates: []dryrun.LiveTemplate{
			{Name: "sidecar", Default: true, Aliases: []string{"istio"}, Source: "built-in"},
			{Name: "waypoint", Source: "configuration", Quarantined: "nil data; no entry for key"},
		},
		Certificate:   dryrun.Certificate{Expires: time.Now().Add(30 * time.Hour).UTC().Format(time.RFC3339), Days: 1, Fault: "the Secret cannot be written"},
		Webhooks:      []dryrun.LiveWebhook{}, // as a server says none
		WebhooksError: "mutatingwebhookconfigurations cannot be listed",
		Recent:        []dryrun.Recent{{Time: "2026-01-01T00:00:00Z", Namespace: "shop", Owner: "Job nightly", Verdict: "fault", Reason: "fault", DryRun: true}},
	}
}
