package inject_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"outrigger.dev/outrigger/inject"
)

func readTree(raw []byte) tree {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var out tree
	if err := d.Decode(&out); err != nil {
		panic(err)
	}
	return out
}

// The API server's own strategic merge is the oracle, for pods whose every field
// it knows. What Merge does otherwise on purpose, with a null in place of elements
// and with a port's protocol, the generator does not make.
func FuzzMergeAgreesWithTheAPIServer(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entropy []byte) {
		s := source(entropy)
		base, overlay := s.typedPod(false), s.typedPod(true)
		want, err := strategicpatch.StrategicMergeMapPatch(copyTree(base), copyTree(overlay), corev1.Pod{})
		if err != nil {
			t.Fatalf("base %v\noverlay %v\nthe oracle: %v", base, overlay, err)
		}
		kept := copyTree(overlay)
		got, err := inject.Merge(copyTree(base), overlay)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decoded(tree(want)), decoded(tree(got))); diff != "" {
			t.Errorf("base %v\noverlay %v\n-want +got\n%s", base, overlay, diff)
		}
		if diff := cmp.Diff(kept, overlay); diff != "" {
			t.Errorf("the overlay was changed (-was +is)\n%s", diff)
		}
	})
}

// decoded is a tree as the API's types would have it: the oracle leaves nulls
// and empty lists, which mean nothing there, in what it adds.
func decoded(v any) any {
	switch v := v.(type) {
	case tree:
		out := tree{}
		for field, value := range v {
			if list, ok := value.([]any); value != nil && (!ok || len(list) > 0) {
				out[field] = decoded(value)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			out = append(out, decoded(item))
		}
		return out
	default:
		return v
	}
}

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct{ base, overlay, want string }{
		"what only the overlay has comes first": {
			`{"containers":[{"name":"app"}]}`,
			`{"containers":[{"name":"proxy"}]}`,
			`{"containers":[{"name":"proxy"},{"name":"app"}]}`,
		},
		"an element that both have keeps what the overlay does not speak of": {
			`{"containers":[{"name":"app","futureField":{"deep":1}}]}`,
			`{"containers":[{"name":"app","image":"x"}]}`,
			`{"containers":[{"name":"app","futureField":{"deep":1},"image":"x"}]}`,
		},
		"a port for UDP is not the one for TCP": {
			`{"ports":[{"containerPort":443,"name":"https","protocol":"TCP"},{"containerPort":443,"name":"http3","protocol":"UDP"}]}`,
			`{"ports":[{"containerPort":443,"hostPort":1},{"containerPort":443,"protocol":"UDP","hostPort":2}]}`,
			`{"ports":[{"containerPort":443,"name":"https","protocol":"TCP","hostPort":1},{"containerPort":443,"name":"http3","protocol":"UDP","hostPort":2}]}`,
		},
		"a list without a key is replaced": {
			`{"containers":[{"name":"app","args":["a","b"]}]}`,
			`{"containers":[{"name":"app","args":["c"]}]}`,
			`{"containers":[{"name":"app","args":["c"]}]}`,
		},
		"a null takes a field away": {
			`{"nodeSelector":{"a":"b"},"dnsPolicy":"None"}`,
			`{"dnsPolicy":null}`,
			`{"nodeSelector":{"a":"b"}}`,
		},
		"a null takes no containers away": {
			`{"containers":[{"name":"app"}]}`,
			`{"containers":null,"volumes":null}`,
			`{"containers":[{"name":"app"}]}`,
		},
		"$patch replace replaces an object": {
			`{"securityContext":{"runAsUser":1,"fsGroup":2}}`,
			`{"securityContext":{"$patch":"replace","runAsUser":3}}`,
			`{"securityContext":{"runAsUser":3}}`,
		},
		"$patch delete takes an element out": {
			`{"containers":[{"name":"a"},{"name":"b"}]}`,
			`{"containers":[{"name":"a","$patch":"delete"}]}`,
			`{"containers":[{"name":"b"}]}`,
		},
		"$setElementOrder orders what is there": {
			`{"containers":[{"name":"app"}]}`,
			`{"containers":[{"name":"proxy"}],"$setElementOrder/containers":[{"name":"app"},{"name":"proxy"}]}`,
			`{"containers":[{"name":"app"},{"name":"proxy"}]}`,
		},
		"$retainKeys drops the other source of a volume": {
			`{"volumes":[{"name":"v","emptyDir":{}}]}`,
			`{"volumes":[{"name":"v","secret":{"secretName":"s"},"$retainKeys":["name","secret"]}]}`,
			`{"volumes":[{"name":"v","secret":{"secretName":"s"}}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := inject.Merge(readTree([]byte(c.base)), readTree([]byte(c.overlay)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(readTree([]byte(c.want)), tree(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ overlay, want string }{
		"an element without its key":      {`{"containers":[{"image":"x"}]}`, `containers: an element has no "name"`},
		"an element that is no object":    {`{"containers":["x"]}`, `containers: "x" is no object`},
		"a directive that it cannot know": {`{"$patch":"merge"}`, `"$patch": "merge" is no directive, wanted replace or delete`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inject.Merge(tree{}, readTree([]byte(c.overlay)))
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestListKeysAreTheTypes holds the table of lists that merge by key against
// the tags of the API's types.
func TestListKeysAreTheTypes(t *testing.T) {
	want := map[string]string{}
	// No pod has a status when it is created.
	walkTags(reflect.TypeFor[corev1.Pod](), map[reflect.Type]bool{reflect.TypeFor[corev1.PodStatus](): true}, func(field string, tag reflect.StructTag) {
		if key := tag.Get("patchMergeKey"); key != "" {
			want[field] = key
		}
	})
	if diff := cmp.Diff(want, inject.ListKeys); diff != "" {
		t.Errorf("-types +table\n%s", diff)
	}
}

func walkTags(typ reflect.Type, seen map[reflect.Type]bool, visit func(string, reflect.StructTag)) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || seen[typ] {
		return
	}
	seen[typ] = true
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		visit(name, f.Tag)
		walkTags(f.Type, seen, visit)
	}
}
