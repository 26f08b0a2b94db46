package inject_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/inject"
)

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
