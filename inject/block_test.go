package inject

import (
	"testing"

	"outrigger.dev/outrigger/templates"
)

// What the built-in templates write is read by the quick reader: otherwise it
// would be of no use.
func TestReadBlockReadsTheBuiltinTemplates(t *testing.T) {
	in, err := New(Sources{
		Config: []byte("{policy: enabled}"),
		Values: []byte("{global: {hub: example.com/istio, tag: 1.31.4, proxy: {resources: {requests: {cpu: 100m, memory: 128Mi}}}, proxy_init: {}, sds: {token: {}}, logging: {}, multiCluster: {}, sts: {}}}"),
	}, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for name := range templates.Builtin() {
		for i, pod := range templates.Corpus() {
			out := output(t, in, name, pod)
			if _, ok := readBlock(out); !ok && len(out) > 0 {
				t.Errorf("template %s, pod %d of the corpus: is left to the whole parser\n%s", name, i, out)
			}
		}
	}
}

// output is what a template writes for a pod.
func output(t *testing.T, in *Injector, template string, raw []byte) string {
	t.Helper()
	base, err := decodeObject(raw)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := in.typed(Request{Namespace: Namespace{Name: "shop"}}, base)
	if err != nil {
		t.Fatal(err)
	}
	r := &rendering{in: in, pod: pod, base: base, native: true, owner: OwnerOf(pod)}
	if err := r.checkAnnotations(nil); err != nil {
		t.Fatal(err)
	}
	out, err := in.set.Execute(template, r.data())
	if err != nil {
		t.Fatal(err)
	}
	return out
}
