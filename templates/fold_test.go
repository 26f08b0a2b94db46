package templates_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"outrigger.dev/outrigger/templates"
)

// A set that knows what is fixed gives what one gives that does not know.
func TestFoldedTemplatesGiveTheSame(t *testing.T) {
	for sentence, values := range map[string]string{
		"the least values": `{}`,
		"other values": `{global: {proxy: {tracer: lightstep, privileged: true, lifecycle: {preStop: {exec: {command: [a]}}}, excludeInboundPorts: "1,2"},
			imagePullSecrets: [a, b], imagePullPolicy: Always, network: n1}, pilot: {cni: {enabled: true, provider: multus}}}`,
	} {
		data := newData(t)
		over(data.Values, tree(t, values))
		folded := parse(t, templates.Builtin(), templates.Options{Fixed: data, Common: data})
		plain := parse(t, templates.Builtin(), templates.Options{})
		for i, raw := range templates.Corpus() {
			for _, native := range []bool{true, false} {
				d := *data
				var pod corev1.Pod
				if err := json.Unmarshal(raw, &pod); err != nil {
					t.Fatal(err)
				}
				d.ObjectMeta, d.Spec, d.NativeSidecars = pod.ObjectMeta, pod.Spec, native
				for _, name := range plain.Names() {
					want, wrong := plain.Execute(name, &d)
					got, err := folded.Execute(name, &d)
					if (wrong == nil) != (err == nil) {
						t.Errorf("%s: template %s, pod %d: %v, and folded %v", sentence, name, i, wrong, err)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s: template %s, pod %d: -plain +folded\n%s", sentence, name, i, diff)
					}
				}
			}
		}
	}
}

func parse(t testing.TB, texts map[string]string, options templates.Options) *templates.Set {
	t.Helper()
	set, err := templates.Parse(texts, options)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// foldable are templates whose folding could go wrong.
var foldable = []string{
	`{{ $a := .Values.a }}{{ $b := $a.b | default "x" }}{{ $b }}{{ if $a.c }}C{{ else }}D{{ end }}{{ .ObjectMeta.Name }}`,
	`{{ $a := "x" }}{{ if .NativeSidecars }}{{ $a = "y" }}{{ end }}{{ $a }}`,
	`{{ $a := "x" }}{{ if true }}{{ $a := "y" }}{{ $a }}{{ end }}{{ $a }}`,
	`{{ range .Spec.Containers }}{{ .Name }}{{ .Values }}{{ $.Values.a.b }}{{ end }}`,
	`{{ with .Values.a }}{{ .b }}{{ $.ObjectMeta.Name }}{{ end }}{{ with .Values.none }}x{{ else }}{{ .Revision }}{{ end }}`,
	`{{ range $i, $v := .Values.list }}{{ $i }}{{ $v }}{{ else }}none{{ end }}{{ range .Values.list }}{{ if eq . 2.0 }}{{ break }}{{ end }}{{ . }}{{ end }}`,
	`{{ .Values.none.more }}`, `{{ if .NativeSidecars }}{{ .Values.none.more }}{{ end }}`, `{{ fail "x" }}`, `{{ if false }}{{ fail "x" }}{{ end }}`,
	`{{ annotation .ObjectMeta "a" .Values.a.b | quote }}{{ annotation .ObjectMeta .Values.a.b .Values.number }}`,
	`{{ eq .Values.number 7.0 }}{{ eq .Values.text .ObjectMeta.Name }}{{ printf "%v %T" .Values.number .Values.number }}`,
	`{{ define "d" }}{{ .Values.a.b }}{{ $.Values.a.b }}{{ $x := .Values }}{{ $x.a.b }}{{ end }}{{ template "d" . }}{{ $x := .Values }}{{ $x.a.b }}`,
	`{{ set .Values.a "b" "changed" }}{{ .Values.a.b }}`, `{{ $d := dict "a" 1 }}{{ $_ := set $d "a" 2 }}{{ $d.a }}`,
	`{{ .MeshConfig.GetRootNamespace }}{{ .MeshConfig.DefaultConfig.InterceptionMode.String }}{{ (index .Values.list 0) | toString }}`,
	`{{ range until 100000000 }}x{{ end }}`, `{{ repeat 100000 "x" | len }}`, `{{ .Values }}{{ . | toString | len }}`,
	`{{ "a" | printf "%s-%s" .Values.text }}{{ .Values.text | printf "%s-%s" .ObjectMeta.Name }}{{ (printf "%s" .Values.text) }}`,
	`{{ if and .Values.a.c .NativeSidecars }}{{ $v := .Values.text }}{{ $v }}{{ end }}{{ if or .NativeSidecars .Values.text }}y{{ end }}`,
	`{{ $a := .ObjectMeta.Annotations }}{{ index $a "web" }}{{ isset $a "x" }}{{ annotation .ObjectMeta "there" .Values.text }}{{ $a }}`,
	`{{ $k := "web" }}{{ if not (isset .ObjectMeta.Annotations $k) }}{{ $k = "y" }}{{ end }}{{ index .ObjectMeta.Annotations $k }}{{ range $k, $v := .ObjectMeta.Annotations }}{{ $k }}{{ end }}`,
	`{{ with index .ObjectMeta.Annotations "z" }}{{ $x := . }}{{ $x }}{{ else }}{{ .ObjectMeta.Name }}{{ end }}{{ $r := "a" }}{{ if index .ObjectMeta.Annotations "z" }}{{ $r = "b" }}{{ end }}{{ $r }}`,
	`{{ with .ObjectMeta }}{{ index .Annotations "web" }}{{ annotation . "web" "x" }}{{ end }}{{ range .Spec.Containers }}{{ annotation $.ObjectMeta "z" .Name }}{{ isset $.ObjectMeta.Annotations "z" }}{{ end }}`,
	`{{ protoToJSON .ProxyConfig }}{{ .ProxyUID | default 7 }}{{ .NativeSidecars }}{{ .ProxyImage }}{{ index .ObjectMeta.Labels "web" }}{{ index .ObjectMeta.Annotations "web" "x" }}`,
	`{{ if .Values.text }}{{ $v := 1 }}{{ end }}{{ if .Values.text }}{{ $v := 2 }}{{ $v }}{{ end }}`,
}

// FuzzFold: whatever a template says, folding changes nothing of what it gives;
// it may spare it an end for too much work.
func FuzzFold(f *testing.F) {
	for _, text := range foldable {
		f.Add(text, "web")
	}
	for _, text := range templates.Builtin() {
		f.Add(text, "web")
	}
	data := newData(f)
	over(data.Values, tree(f, `{a: {b: "B", c: true}, number: 7, text: web, list: [1, 2, 3]}`))
	f.Fuzz(func(t *testing.T, text, name string) {
		plain, err := templates.Parse(map[string]string{"t": text}, templates.Options{})
		if err != nil {
			return
		}
		folded := parse(t, map[string]string{"t": text}, templates.Options{Fixed: data, Common: data})
		d := *data
		d.ObjectMeta.Name = name
		d.ObjectMeta.Annotations = map[string]string{name: name, "there": "is"}
		d.Spec.Containers = []corev1.Container{{Name: name}}
		for _, d.NativeSidecars = range []bool{true, false} {
			want, wrong := plain.Execute("t", &d)
			if wrong != nil && strings.Contains(wrong.Error(), "units of work") {
				continue
			}
			got, err := folded.Execute("t", &d)
			if (wrong == nil) != (err == nil) {
				t.Fatalf("%q: %v, and folded %v", text, wrong, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q: -plain +folded\n%s", text, diff)
			}
		}
	})
}
