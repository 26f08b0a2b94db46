package dryrun

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	psaapi "k8s.io/pod-security-admission/api"
	psa "k8s.io/pod-security-admission/policy"

	"outrigger.dev/outrigger/inject"
)

// Verdicts of a [Check]; [Refuses] is that of one that does not let the pod in.
const (
	checkOK      = "ok"
	checkWarns   = "warn"
	Refuses      = "refuse"
	checkUnknown = "unknown"
)

// checks are what admission after Outrigger says: Pod Security by the labels of the
// namespace, its LimitRanges and its quotas, where they can be looked up. Who is
// exempt from Pod Security only the API server knows.
func (s *run) checks(ctx context.Context, ns inject.Namespace, before, after *corev1.Pod) []Check {
	checks := PodSecurity(ns, before, after)
	if s.Cluster.LimitRanges != nil {
		found, err := s.limits(ctx, ns.Name, before, after)
		checks = append(checks, found...)
		if err != nil {
			checks = append(checks, Check{By: "limit-range", Name: ns.Name, Verdict: checkUnknown, Sentences: []string{err.Error()}})
		}
	}
	if s.Cluster.Quotas != nil {
		found, err := s.quotas(ctx, ns.Name, before, after)
		checks = append(checks, found...)
		if err != nil {
			checks = append(checks, Check{By: "resource-quota", Name: ns.Name, Verdict: checkUnknown, Sentences: []string{err.Error()}})
		}
	}
	return checks
}

// checked is a check's row: what is wrong with the pod after, and whether the pod
// before would have passed.
func checked(by, name, fails string, after, before []string) Check {
	c := Check{By: by, Name: name, Verdict: checkOK, Sentences: after}
	if len(after) > 0 {
		c.Verdict, c.ByInjection = fails, len(before) == 0
	}
	return c
}

// evaluator is Kubernetes' own.
var evaluator = sync.OnceValues(func() (psa.Evaluator, error) { return psa.NewEvaluator(psa.DefaultChecks(), nil) })

// PodSecurity says what the levels of a namespace, by its labels, have against a pod with
// and without what injection does to it. One level is looked at once, by its strictest mode.
func PodSecurity(ns inject.Namespace, before, after *corev1.Pod) []Check {
	policy, errs := psaapi.PolicyToEvaluate(ns.Labels, psaapi.Policy{
		Enforce: psaapi.LevelVersion{Level: psaapi.LevelPrivileged, Version: psaapi.LatestVersion()},
		Audit:   psaapi.LevelVersion{Level: psaapi.LevelPrivileged, Version: psaapi.LatestVersion()},
		Warn:    psaapi.LevelVersion{Level: psaapi.LevelPrivileged, Version: psaapi.LatestVersion()},
	})
	var checks []Check
	for _, err := range errs {
		checks = append(checks, Check{By: "pod-security", Name: err.Field, Verdict: checkUnknown, Sentences: []string{err.Error()}})
	}
	evaluate, err := evaluator()
	if err != nil {
		return append(checks, Check{By: "pod-security", Verdict: checkUnknown, Sentences: []string{err.Error()}})
	}
	for _, mode := range []struct {
		name, fails string
		level       psaapi.LevelVersion
	}{{"enforce", Refuses, policy.Enforce}, {"warn", checkWarns, policy.Warn}, {"audit", checkWarns, policy.Audit}} {
		if mode.level.Level == psaapi.LevelPrivileged {
			continue
		}
		checks = append(checks, checked("pod-security", mode.name+": "+mode.level.String(), mode.fails,
			violations(evaluate, mode.level, after), violations(evaluate, mode.level, before)))
	}
	return checks
}

func violations(evaluate psa.Evaluator, level psaapi.LevelVersion, pod *corev1.Pod) []string {
	var out []string
	for _, result := range evaluate.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			out = append(out, fmt.Sprintf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail))
		}
	}
	return out
}
