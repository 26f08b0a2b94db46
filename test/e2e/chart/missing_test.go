package chart_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/missing"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// What the policy refuses on the real API server, where no injector answers, is just
// what Decide and the stored webhook configurations say should have a sidecar: for all
// combinations of labels, and for a sample of all else that a pod may be.
func TestPolicyAgreesWithDecide(t *testing.T) {
	labels := append(namespaceLabels, map[string]string{"kubernetes.io/metadata.name": "local-path-storage", "istio-injection": "enabled"})
	namespaces := newNamespaces(t, labels...)
	for name, values := range map[string][]string{
		"the first installation":       {"revisionTags={prod}"},
		"a revision with tags":         {"revision=own", "revisionTags={prod,default}", "webhook.exclude.critical=true"},
		"namespaces by default":        {"sidecarInjectorWebhook.enableNamespacesByDefault=true", "webhook.exclude.hostNetwork=false", "webhook.exclude.windows=false", "webhook.exclude.mirror=false", "webhook.exclude.annotationOptOut=false"},
		"selectors and policy enabled": {"revision=own", "revisionTags={default}", selectorsOf("never", "app=batch"), selectorsOf("always", "app=web")},
		"selectors and policy disabled": {
			"global.proxy.autoInject=disabled", "sidecarInjectorWebhook.neverInjectSelector[0].matchExpressions[0].key=tier",
			"sidecarInjectorWebhook.neverInjectSelector[0].matchExpressions[0].operator=Exists",
			"sidecarInjectorWebhook.alwaysInjectSelector[0].matchExpressions[0].key=app", "sidecarInjectorWebhook.alwaysInjectSelector[0].matchExpressions[0].operator=NotIn",
			"sidecarInjectorWebhook.alwaysInjectSelector[0].matchExpressions[0].values={batch}", "sidecarInjectorWebhook.alwaysInjectSelector[1].matchLabels.tier=back",
		},
	} {
		t.Run(name, func(t *testing.T) {
			installPolicy(t, namespaces, append(values, "admissionPolicies.missing=deny")...)
			judge := liveJudge(t)
			wanted := 0
			for _, c := range compare(t, namespaces, judge) {
				if c.want != "" {
					wanted++
				}
				if c.want != c.got {
					t.Errorf("namespace %v, pod %s: refused for %q, and Decide has %q", c.namespace.Labels, c.pod, c.got, c.want)
				}
			}
			if wanted < 20 {
				t.Errorf("%d pods should have a sidecar: too few to prove anything", wanted)
			}
		})
	}
}

// selectorsOf sets a selector of the configuration.
func selectorsOf(which, label string) string {
	key, value, _ := strings.Cut(label, "=")
	return fmt.Sprintf("sidecarInjectorWebhook.%sInjectSelector[0].matchLabels.%s=%s", which, key, value)
}

// installPolicy installs the chart where nobody answers, and returns when its policy is
// in force. It is uninstalled after the test.
func installPolicy(t *testing.T, namespaces []*corev1.Namespace, values ...string) {
	t.Helper()
	tools := helms["Helm 4"]
	args := []string{
		"install", release, filepath.Join(tools.Root, "charts", "outrigger"), "--namespace", injector.Namespace,
		"--set", "webhook.url=https://127.0.0.1:1", "--set", "webhook.failurePolicy=Ignore",
	}
	for _, value := range values {
		args = append(args, "--set", value)
	}
	helm(t, tools, args...)
	asks := func() string {
		return refusal(t, namespaces[1].Name, probe(map[string]string{inject.InjectKey: "true"}))
	}
	t.Cleanup(func() {
		helm(t, tools, "uninstall", release, "--namespace", injector.Namespace, "--wait")
		await(t, "the policy is gone", func() bool { return asks() == "" })
	})
	await(t, "the policy is in force", func() bool { return asks() == "pod-label" })
	wantNoTypeFaults(t)
}

// wantNoTypeFaults wants the API server to find nothing wrong with the expressions of
// policies, by the types of what they are about.
func wantNoTypeFaults(t *testing.T) {
	t.Helper()
	policies := cluster.Client().AdmissionregistrationV1().ValidatingAdmissionPolicies()
	var found *admissionv1.ValidatingAdmissionPolicyList
	await(t, "the policies' types are checked", func() bool {
		var err error
		if found, err = policies.List(within(t), metav1.ListOptions{LabelSelector: "app.kubernetes.io/part-of=outrigger"}); err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(found.Items, func(p admissionv1.ValidatingAdmissionPolicy) bool {
			return p.Status.ObservedGeneration != p.Generation || p.Status.TypeChecking == nil
		})
	})
	for _, p := range found.Items {
		for _, warning := range p.Status.TypeChecking.ExpressionWarnings {
			t.Errorf("%s: %s: %s", p.Name, warning.FieldRef, warning.Warning)
		}
	}
}

// await returns when something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// liveJudge reads the installation as it is stored.
func liveJudge(t *testing.T) missing.Judge {
	t.Helper()
	ours := metav1.ListOptions{LabelSelector: "app.kubernetes.io/part-of=outrigger"}
	configurations, err := cluster.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().List(within(t), ours)
	if err != nil {
		t.Fatal(err)
	}
	webhooks, err := missing.ReadWebhooks(configurations.Items...)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := cluster.Client().CoreV1().ConfigMaps(injector.Namespace).List(within(t), ours)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range texts.Items {
		if c.Data["config"] != "" {
			in, err := inject.New(inject.Sources{Config: []byte(c.Data["config"]), Values: []byte(c.Data["values"]), Mesh: []byte(c.Data["mesh"])}, inject.Settings{})
			if err != nil {
				t.Fatal(err)
			}
			return missing.Judge{Webhooks: webhooks, Decider: in}
		}
	}
	t.Fatal("there is no configuration")
	return missing.Judge{}
}

var dueFor = regexp.MustCompile(`no sidecar, though one is due \(([a-z-]+)\)`)

// refusal is why the policy refuses a pod, "" where it does not. The pod is not made.
func refusal(t *testing.T, namespace string, pod *corev1.Pod) string {
	t.Helper()
	_, err := cluster.Client().CoreV1().Pods(namespace).Create(within(t), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err == nil {
		return ""
	}
	if found := dueFor.FindStringSubmatch(err.Error()); found != nil {
		return found[1]
	}
	t.Errorf("%v: refused by somebody else: %v", pod.Labels, err)
	return ""
}

// The life of a pod under the policy: with a server that answers it is injected and let
// in; without one the refusal says what to do, which works; our own namespace and the
// system's are never refused.
func TestPolicyNamesTheCure(t *testing.T) {
	i, err := injector.Install(within(t), cluster, helms["Helm 4"], injector.Options{
		Revision: "own", Logs: t.TempDir(), Values: []string{"admissionPolicies.missing=deny", "webhook.failurePolicy=Ignore", "revisionTags={prod}"},
		Args: []string{"--webhook-configuration=outrigger-injector-own", "--webhook-configuration=outrigger-tag-prod"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Uninstall(within(t)) })
	namespace := newNamespaces(t, map[string]string{"istio.io/rev": "own"})[0].Name
	for _, native := range []string{"true", "false"} {
		pod := probe(nil)
		annotate(pod, "sidecar.istio.io/nativeSidecar", native)
		made, err := cluster.Client().CoreV1().Pods(namespace).Create(within(t), pod, metav1.CreateOptions{})
		if err != nil || !inject.Injected(made) {
			t.Fatalf("native %s: with a server that answers: %v, injected is %t", native, err, err == nil && inject.Injected(made))
		}
	}
	if err := i.Stop(); err != nil {
		t.Fatal(err)
	}
	await(t, "the policy is in force", func() bool { return refusal(t, namespace, probe(nil)) == "policy" })
	_, err = cluster.Client().CoreV1().Pods(namespace).Create(within(t), probe(nil), metav1.CreateOptions{})
	const want = "ValidatingAdmissionPolicy 'outrigger-missing-sidecar-own' with binding 'outrigger-missing-sidecar-own' denied request: " +
		"no sidecar, though one is due (policy): outrigger-injector-own was not asked, did not answer, or was undone." +
		" See: kubectl -n outrigger-system get pods -l app.kubernetes.io/name=outrigger-injector." +
		" To create it all the same: annotation outrigger.dev/allow-missing-sidecar=true. To have none: label sidecar.istio.io/inject=false."
	if !apierrors.IsInvalid(err) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("refused with %v\nwant it to end with %s", err, want)
	}
	allowed := probe(nil)
	annotate(allowed, inject.AllowMissingAnnotation, "true")
	declined := probe(map[string]string{inject.InjectKey: "false"})
	for cure, pod := range map[string]*corev1.Pod{"annotation": allowed, "label": declined} {
		if _, err := cluster.Client().CoreV1().Pods(namespace).Create(within(t), pod, metav1.CreateOptions{}); err != nil {
			t.Errorf("with the %s that the refusal names: %v", cure, err)
		}
	}
	for _, left := range []string{injector.Namespace, "kube-system"} {
		kubectl(t, "label", "namespace", left, "istio.io/rev=own")
		t.Cleanup(func() { kubectl(t, "label", "namespace", left, "istio.io/rev-") })
		out, err := kubectlOn(t, restrictedPod, "create", "--namespace", left, "--dry-run=server")
		if err != nil {
			t.Errorf("namespace %s is not left alone: %v\n%s", left, err, out)
		}
	}
}

// restrictedPod is one that the strictest Pod Security lets pass.
const restrictedPod = `
apiVersion: v1
kind: Pod
metadata: {generateName: restricted-}
spec:
  serviceAccountName: default
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: app
    image: example.com/app:1
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// With warn the pod is made, its creator reads why that was not right, and the audit log
// has it; with audit the audit log alone.
func TestPolicyWarnsAndAudits(t *testing.T) {
	namespace := newNamespaces(t, map[string]string{"istio-injection": "enabled"})[0].Name
	for action, warned := range map[string]bool{"warn": true, "audit": false} {
		t.Run(action, func(t *testing.T) {
			tools := helms["Helm 4"]
			helm(t, tools, "install", release, filepath.Join(tools.Root, "charts", "outrigger"), "--namespace", injector.Namespace,
				"--set", "webhook.url=https://127.0.0.1:1", "--set", "webhook.failurePolicy=Ignore", "--set", "admissionPolicies.missing="+action)
			t.Cleanup(func() { helm(t, tools, "uninstall", release, "--namespace", injector.Namespace, "--wait") })
			const warning = "Warning: Validation failed for ValidatingAdmissionPolicy 'outrigger-missing-sidecar' with binding 'outrigger-missing-sidecar': no sidecar, though one is due (policy)"
			await(t, "the pod is made, and what is told is as it should be", func() bool {
				name := fmt.Sprintf("%s-%d", action, time.Now().UnixNano())
				out, err := kubectlOn(t, strings.Replace(restrictedPod, "generateName: restricted-", "name: "+name, 1), "create", "--namespace", namespace)
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				return auditedAs(t, name, "no sidecar, though one is due (policy)") && strings.Contains(out, warning) == warned
			})
		})
	}
}

// auditedAs says whether the audit log has the creation of a pod, and the policy's
// finding about it.
func auditedAs(t *testing.T, pod, finding string) bool {
	t.Helper()
	var annotations map[string]string
	await(t, "the creation is in the audit log", func() bool {
		events, err := cluster.AuditEvents()
		if err != nil {
			t.Fatal(err)
		}
		for _, event := range events {
			if event.Verb == "create" && event.ObjectRef.Resource == "pods" && event.ObjectRef.Name == pod {
				annotations = event.Annotations
				return true
			}
		}
		return false
	})
	return strings.Contains(annotations["validation.policy.admission.k8s.io/validation_failure"], finding)
}
