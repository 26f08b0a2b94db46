package inject_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/inject"
)

// minimalValues are the least that the built-in templates render with.
const minimalValues = `
global:
  proxy: {image: proxyv2, resources: {}, startupProbe: {enabled: true, failureThreshold: 600}, tracer: none}
  proxy_init: {image: proxyv2}
  sds: {token: {aud: istio-ca}}
  sts: {servicePort: 0}
  multiCluster: {clusterName: ""}
  logging: {level: "default:info"}
  hub: example.com/istio
  tag: "1"
pilot: {cni: {enabled: false}, env: {}}
gateways: {}
sidecarInjectorWebhook: {rewriteAppHTTPProbe: true}
`

func newInjector(t *testing.T, config string) *inject.Injector {
	t.Helper()
	in, err := inject.New(inject.Sources{Config: []byte(config), Values: []byte(minimalValues)}, inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestDecide(t *testing.T) {
	const (
		enabled   = `{policy: enabled}`
		disabled  = `{policy: disabled}`
		selectors = `{policy: disabled, neverInjectSelector: [{matchLabels: {never: here}}, {}], alwaysInjectSelector: [{}, {matchLabels: {always: here}}]}`
		checked   = `{policy: enabled, checkNamespace: true}`
		kinds     = `{policy: enabled, ownerKinds: [{apiVersion: batch/v1, kind: Job, mode: skip}, {kind: DaemonSet, mode: classic}]}`
	)
	injectors := map[string]*inject.Injector{}
	for _, config := range []string{enabled, disabled, selectors, checked, kinds} {
		injectors[config] = newInjector(t, config)
	}
	enabledNamespace := inject.Namespace{Name: "shop", Labels: map[string]string{"istio-injection": "enabled"}}
	for name, c := range map[string]struct {
		config    string
		pod       string
		namespace inject.Namespace
		want      inject.Verdict
		reason    inject.Reason
	}{
		"nothing speaks against it":                    {enabled, `{}`, enabledNamespace, inject.Inject, inject.Policy},
		"policy disabled and nothing asks":             {disabled, `{}`, enabledNamespace, inject.Skip, inject.Policy},
		"the host network comes before the label":      {enabled, `{"metadata":{"labels":{"sidecar.istio.io/inject":"true"}},"spec":{"hostNetwork":true}}`, enabledNamespace, inject.Skip, inject.HostNetwork},
		"a system namespace comes before the label":    {enabled, `{"metadata":{"labels":{"sidecar.istio.io/inject":"true"}}}`, inject.Namespace{Name: "kube-system"}, inject.Skip, inject.SystemNamespace},
		"local-path-storage is the system's":           {enabled, `{}`, inject.Namespace{Name: "local-path-storage"}, inject.Skip, inject.SystemNamespace},
		"a mirror pod cannot be changed":               {enabled, `{"metadata":{"annotations":{"kubernetes.io/config.mirror":""}}}`, enabledNamespace, inject.Skip, inject.MirrorPod},
		"Windows":                                      {enabled, `{"spec":{"os":{"name":"windows"}}}`, enabledNamespace, inject.Skip, inject.Windows},
		"Linux said aloud":                             {enabled, `{"spec":{"os":{"name":"linux"}}}`, enabledNamespace, inject.Inject, inject.Policy},
		"label true under policy disabled":             {disabled, `{"metadata":{"labels":{"sidecar.istio.io/inject":"true"}}}`, enabledNamespace, inject.Inject, inject.PodLabel},
		"label false":                                  {enabled, `{"metadata":{"labels":{"sidecar.istio.io/inject":"false"}}}`, enabledNamespace, inject.Skip, inject.PodLabel},
		"the label beats the annotation":               {enabled, `{"metadata":{"labels":{"sidecar.istio.io/inject":"false"},"annotations":{"sidecar.istio.io/inject":"true"}}}`, enabledNamespace, inject.Skip, inject.PodLabel},
		"an empty label hides the annotation":          {disabled, `{"metadata":{"labels":{"sidecar.istio.io/inject":""},"annotations":{"sidecar.istio.io/inject":"true"}}}`, enabledNamespace, inject.Skip, inject.Policy},
		"a label that is no bool says nothing":         {enabled, `{"metadata":{"labels":{"sidecar.istio.io/inject":"yes"}}}`, enabledNamespace, inject.Inject, inject.Policy},
		"True is not true":                             {disabled, `{"metadata":{"labels":{"sidecar.istio.io/inject":"True"}}}`, enabledNamespace, inject.Skip, inject.Policy},
		"annotation true":                              {disabled, `{"metadata":{"annotations":{"sidecar.istio.io/inject":"true"}}}`, enabledNamespace, inject.Inject, inject.PodAnnotation},
		"annotation false":                             {enabled, `{"metadata":{"annotations":{"sidecar.istio.io/inject":"false"}}}`, enabledNamespace, inject.Skip, inject.PodAnnotation},
		"never comes before always":                    {selectors, `{"metadata":{"labels":{"never":"here","always":"here"}}}`, enabledNamespace, inject.Skip, inject.NeverSelector},
		"always comes before the policy":               {selectors, `{"metadata":{"labels":{"always":"here"}}}`, enabledNamespace, inject.Inject, inject.AlwaysSelector},
		"the label comes before never":                 {selectors, `{"metadata":{"labels":{"never":"here","sidecar.istio.io/inject":"true"}}}`, enabledNamespace, inject.Inject, inject.PodLabel},
		"an empty selector matches nothing":            {selectors, `{}`, enabledNamespace, inject.Skip, inject.Policy},
		"namespace checked and not labelled":           {checked, `{}`, inject.Namespace{Name: "shop"}, inject.Skip, inject.NamespaceNotEnabled},
		"namespace checked and disabled":               {checked, `{}`, inject.Namespace{Name: "shop", Labels: map[string]string{"istio-injection": "disabled"}}, inject.Skip, inject.NamespaceNotEnabled},
		"namespace checked and enabled":                {checked, `{}`, enabledNamespace, inject.Inject, inject.Policy},
		"namespace checked and labelled by revision":   {checked, `{}`, inject.Namespace{Name: "shop", Labels: map[string]string{"istio.io/rev": "canary"}}, inject.Inject, inject.Policy},
		"namespace checked and the pod names revision": {checked, `{"metadata":{"labels":{"istio.io/rev":"default"}}}`, inject.Namespace{Name: "shop"}, inject.Inject, inject.Policy},
		"namespace checked and the pod asks":           {checked, `{"metadata":{"labels":{"sidecar.istio.io/inject":"true"}}}`, inject.Namespace{Name: "shop"}, inject.Inject, inject.PodLabel},
		"namespace that could not be looked up":        {checked, `{}`, inject.Namespace{Name: "shop", Unknown: true}, inject.Inject, inject.Policy},
		"namespace not checked and not labelled":       {enabled, `{}`, inject.Namespace{Name: "shop"}, inject.Inject, inject.Policy},
		"a kind of owner that is skipped":              {kinds, `{"metadata":{"generateName":"a-","ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"a","controller":true}]}}`, enabledNamespace, inject.Skip, inject.OwnerKind},
		"the label comes before the kind of owner":     {kinds, `{"metadata":{"generateName":"a-","labels":{"sidecar.istio.io/inject":"true"},"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"a","controller":true}]}}`, enabledNamespace, inject.Inject, inject.PodLabel},
		"a kind of owner of another group":             {kinds, `{"metadata":{"generateName":"a-","ownerReferences":[{"apiVersion":"volcano/v1","kind":"Job","name":"a","controller":true}]}}`, enabledNamespace, inject.Inject, inject.Policy},
		"a kind of owner with a kind of sidecar":       {kinds, `{"metadata":{"generateName":"a-","ownerReferences":[{"apiVersion":"apps/v1","kind":"DaemonSet","name":"a","controller":true}]}}`, enabledNamespace, inject.Inject, inject.Policy},
	} {
		t.Run(name, func(t *testing.T) {
			var pod corev1.Pod
			if err := json.Unmarshal([]byte(c.pod), &pod); err != nil {
				t.Fatal(err)
			}
			got := injectors[c.config].Decide(&pod, c.namespace, inject.OwnerOf(&pod))
			if got.Verdict != c.want || got.Reason != c.reason {
				t.Errorf("got %s, %s (%s), want %s, %s", got.Verdict, got.Reason, got.Sentence, c.want, c.reason)
			}
			last := got.Trace[len(got.Trace)-1]
			if last.Rule != c.reason || last.Outcome != c.want || got.Sentence == "" {
				t.Errorf("the trace ends in %+v, the sentence is %q", last, got.Sentence)
			}
		})
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"a policy that is none":      {`{policy: enable}`, `config: policy "enable", wanted enabled or disabled`},
		"no policy":                  {`{}`, `config: policy "", wanted enabled or disabled`},
		"a faultPolicy that is none": {`{policy: enabled, faultPolicy: Fail}`, `config: faultPolicy "Fail", wanted ignore, deny or nothing`},
		"a kind of owner without a mode": {
			`{policy: enabled, ownerKinds: [{kind: Job}]}`,
			`config: ownerKinds 0: kind "Job", mode "", wanted a kind, and native, classic or skip`,
		},
		"a userCollision that is none": {`{policy: enabled, userCollision: fail}`, `config: userCollision "fail", wanted warn or deny`},
		"a selector that is none": {
			`{policy: enabled, neverInjectSelector: [{matchExpressions: [{key: a, operator: Near}]}]}`,
			`config: neverInjectSelector 0: "Near" is not a valid label selector operator`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inject.ParseConfig([]byte(c.config))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestParsePath(t *testing.T) {
	for path, c := range map[string]struct {
		want     inject.Path
		warnings []string
	}{
		"/inject":                          {want: inject.Path{Env: map[string]string{}}},
		"/inject/":                         {want: inject.Path{Env: map[string]string{}}},
		"/inject/cluster/c1/net/n1":        {want: inject.Path{Cluster: "c1", Network: "n1", Env: map[string]string{}}},
		"/inject/region/a--slash--b/":      {want: inject.Path{Env: map[string]string{"REGION": "a/b"}}},
		"/inject/cluster":                  {inject.Path{Env: map[string]string{}}, []string{`path: "cluster" has no value`}},
		"/inject:ENV:cluster=c1:ENV:k=a/b": {want: inject.Path{Cluster: "c1", Env: map[string]string{"K": "a/b"}}},
		"/inject:ENV:cluster":              {inject.Path{Env: map[string]string{}}, []string{`path: "cluster" is not key=value`}},
	} {
		t.Run(path, func(t *testing.T) {
			got, warnings := inject.ParsePath(path)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(c.warnings, warnings); diff != "" {
				t.Errorf("warnings -want +got\n%s", diff)
			}
		})
	}
}
