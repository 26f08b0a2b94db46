// This test is inside the package to see which branches of a template are taken.
package templates

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"text/template"
	"text/template/parse"

	"google.golang.org/protobuf/proto"
	meshconfig "istio.io/api/mesh/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// corpusSettings are the configurations under which the corpus is rendered: those
// branches that no pod reaches are for them.
var corpusSettings = map[string]struct {
	native bool
	data   string
	values string
}{
	"as the chart has it": {native: true},
	"classic":             {values: `{global: {proxy: {holdApplicationUntilProxyStarts: true}, proxy_init: {forceApplyIptables: true}}}`},
	"cni": {
		native: true,
		data:   `{compliancePolicy: fips-140-3, inboundTrafficPolicyMode: localhost}`,
		values: `{global: {caAddress: "ca:1", logAsJson: true, nativeNftables: true, mountMtlsCerts: true, network: net1, imagePullPolicy: Always,
			imagePullSecrets: [a], sts: {servicePort: 1}, meshID: m, caName: GkeWorkloadCertificate, proxy: {tracer: datadog, outlierLogPath: /dev/stdout,
			lifecycle: {preStop: {exec: {command: [a]}}}, seccompProfile: {type: RuntimeDefault}, excludeIPRanges: 10.0.0.1/32}},
			pilot: {cni: {enabled: true, provider: multus}, env: {ENABLE_CLUSTER_TRUST_BUNDLE_API: true}},
			gateways: {securityContext: {fsGroup: 1}, seccompProfile: {type: RuntimeDefault}}}`,
	},
	"tracing": {
		native: true,
		data:   `{meshConfig: {extensionProviders: [{name: otel, opentelemetry: {service: a.b, port: 1, serviceAttributeEnrichment: OTEL_SEMANTIC_CONVENTIONS}}]}}`,
		values: `{global: {proxy: {tracer: lightstep}}}`,
	},
}

// TestCorpusReachesEveryBranch counts how often each branch of the built-in
// templates is taken while they render the corpus.
func TestCorpusReachesEveryBranch(t *testing.T) {
	for name, text := range Builtin() {
		t.Run(name, func(t *testing.T) {
			known := functions(nil)
			parsed, err := template.New(parseName).Funcs(parsing(known)).Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			marks := &branches{taken: map[string]int{}}
			for _, defined := range parsed.Templates() {
				marks.mark(defined.Tree, defined.Root)
			}
			bound := template.FuncMap{"_taken": func(branch string) string { marks.taken[branch]++; return "" }}
			for name, fn := range known {
				bound[name] = fn(&meter{left: 1 << 40})
			}
			parsed.Funcs(bound)
			for setting := range corpusSettings {
				for _, pod := range Corpus() {
					if err := parsed.Execute(&execution{}, corpusData(t, setting, pod)); err != nil {
						t.Fatalf("%s: %v in\n%s", setting, err, pod)
					}
				}
			}
			for _, branch := range marks.all {
				if marks.taken[branch] == 0 {
					t.Errorf("no pod of the corpus reaches %s", branch)
				}
			}
		})
	}
}

// branches puts a mark into every branch of a template.
type branches struct {
	all   []string
	taken map[string]int
}

func (b *branches) mark(tree *parse.Tree, list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.IfNode:
			b.branch(tree, node, node.List, node.ElseList)
		case *parse.WithNode:
			b.branch(tree, node, node.List, node.ElseList)
		case *parse.RangeNode:
			b.branch(tree, node, node.List, node.ElseList)
		}
	}
}

func (b *branches) branch(tree *parse.Tree, node parse.Node, lists ...*parse.ListNode) {
	for i, list := range lists {
		if list == nil {
			continue
		}
		location, _ := tree.ErrorContext(node)
		name := fmt.Sprintf("%s, branch %d", location, i+1)
		b.all = append(b.all, name)
		b.mark(tree, list)
		call := command(node.Position(), "_taken")
		call.Args = append(call.Args, &parse.StringNode{NodeType: parse.NodeString, Quoted: name, Text: name})
		list.Nodes = slices.Insert(list.Nodes, 0, parse.Node(&parse.ActionNode{
			NodeType: parse.NodeAction, Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Cmds: []*parse.CommandNode{call}},
		}))
	}
}

// corpusData is what a template sees of a pod of the corpus.
func corpusData(t *testing.T, setting string, doc []byte) *Data {
	t.Helper()
	read := func(doc []byte, into any) {
		t.Helper()
		if err := yaml.Unmarshal(doc, into); err != nil {
			t.Fatal(err)
		}
	}
	var pod corev1.Pod
	var values map[string]any
	var annotated meshconfig.ProxyConfig
	read(doc, &pod)
	read([]byte(corpusSettings[setting].values), &values)
	read([]byte(pod.Annotations["proxy.istio.io/config"]), &annotated)

	data := &Data{MeshConfig: DefaultMesh(), NativeSidecars: corpusSettings[setting].native, ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}
	data.DeploymentMeta.Name, data.TypeMeta.APIVersion = pod.GenerateName+pod.Name, "v1"
	data.ProxyConfig = proto.CloneOf(data.MeshConfig.DefaultConfig)
	proto.Merge(data.ProxyConfig, &annotated)
	read([]byte(corpusSettings[setting].data), data)
	base, err := os.ReadFile("testdata/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	read(base, &data.Values)
	mergeAll(true, data.Values, []map[string]any{values})
	return data
}
