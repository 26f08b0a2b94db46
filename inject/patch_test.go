package inject_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
)

// Whatever the two pods, the patch applies with the API server's own library
// and gives the second.
func FuzzPatchApplies(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entropy []byte) {
		s := source(entropy)
		before, after := s.pod(false), s.pod(false)
		if s.maybe() {
			merged, err := inject.Merge(copyTree(before), after)
			if err != nil {
				t.Fatal(err)
			}
			after = merged
		}
		raw, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		ops := inject.Patch(before, after)
		applied, err := inject.Apply(raw, ops)
		if err != nil {
			t.Fatalf("%s\n%v: %v", raw, ops, err)
		}
		if diff := cmp.Diff(copyTree(after), readTree(applied)); diff != "" {
			t.Errorf("%s\n%v\n-want +got\n%s", raw, ops, diff)
		}
		if diff := cmp.Diff(ops, inject.Patch(before, after)); diff != "" {
			t.Errorf("another patch for the same pods\n%s", diff)
		}
	})
}

// What an injection did to a pod can be taken back exactly.
func FuzzUndo(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entropy []byte) {
		s := source(entropy)
		before, overlay := s.pod(false), s.pod(true)
		after, err := inject.Merge(copyTree(before), overlay)
		if err != nil {
			t.Fatal(err)
		}
		got, err := inject.Undone(copyTree(before), after)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(copyTree(before), tree(got)); diff != "" {
			t.Errorf("overlay %v\n-before +taken back\n%s", overlay, diff)
		}
	})
}

func TestPatch(t *testing.T) {
	for name, c := range map[string]struct{ before, after, want string }{
		"nothing changed": {
			`{"spec":{"containers":[{"name":"a"}]}}`,
			`{"spec":{"containers":[{"name":"a"}]}}`,
			`[]`,
		},
		"a container before another is one operation": {
			`{"spec":{"containers":[{"name":"a","future":1}]}}`,
			`{"spec":{"containers":[{"name":"p"},{"name":"a","future":1}]}}`,
			`[{"op":"add","path":"/spec/containers/0","value":{"name":"p"}}]`,
		},
		"inside an element only what changed is named": {
			`{"spec":{"containers":[{"name":"a","livenessProbe":{"httpGet":{"port":1,"host":"h"}}}]}}`,
			`{"spec":{"containers":[{"name":"p"},{"name":"a","livenessProbe":{"httpGet":{"port":2,"host":"h"}}}]}}`,
			`[{"op":"add","path":"/spec/containers/0","value":{"name":"p"}},
			  {"op":"replace","path":"/spec/containers/1/livenessProbe/httpGet/port","value":2}]`,
		},
		"annotations that were not there come whole": {
			`{"metadata":{}}`,
			`{"metadata":{"annotations":{"a/b":"1","c":"2"}}}`,
			`[{"op":"add","path":"/metadata/annotations","value":{"a/b":"1","c":"2"}}]`,
		},
		"a slash in a key is escaped": {
			`{"metadata":{"annotations":{"c":"2"}}}`,
			`{"metadata":{"annotations":{"a/b~c":"1","c":"2"}}}`,
			`[{"op":"add","path":"/metadata/annotations/a~1b~0c","value":"1"}]`,
		},
		"null is as good as absent": {
			`{"metadata":{"labels":null}}`,
			`{"metadata":{"labels":{"a":"b"}}}`,
			`[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]`,
		},
		"an element that moves is taken out and put in": {
			`{"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"p"}]}}`,
			`{"spec":{"containers":[{"name":"p"},{"name":"a"},{"name":"b"}]}}`,
			`[{"op":"remove","path":"/spec/containers/2"},
			  {"op":"add","path":"/spec/containers/0","value":{"name":"p"}}]`,
		},
		"two ports of one number are two": {
			`{"spec":{"containers":[{"name":"a","ports":[{"containerPort":53,"protocol":"TCP"},{"containerPort":53,"protocol":"UDP"}]}]}}`,
			`{"spec":{"containers":[{"name":"a","ports":[{"containerPort":53,"protocol":"TCP"},{"containerPort":53,"protocol":"UDP"},{"containerPort":1}]}]}}`,
			`[{"op":"add","path":"/spec/containers/0/ports/2","value":{"containerPort":1}}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := json.Marshal(inject.Patch(readTree([]byte(c.before)), readTree([]byte(c.after))))
			if err != nil {
				t.Fatal(err)
			}
			var want, got any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
