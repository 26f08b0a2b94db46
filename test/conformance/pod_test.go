package conformance_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/inject"
)

// metadata is a pod's, made where it has none.
func metadata(pod map[string]any) map[string]any { return child(pod, "metadata") }

// spec is a pod's.
func spec(pod map[string]any) map[string]any { return child(pod, "spec") }

func child(o map[string]any, field string) map[string]any {
	c, ok := o[field].(map[string]any)
	if !ok {
		c = map[string]any{}
		o[field] = c
	}
	return c
}

// with is a map with one entry more.
func with(m any, key, value string) map[string]any {
	out := map[string]any{key: value}
	if m, ok := m.(map[string]any); ok {
		for key, value := range m {
			out[key] = value
		}
	}
	return out
}

// stranger is a container that another webhook adds.
func stranger() map[string]any {
	return map[string]any{
		"name":           "stranger",
		"image":          "stranger:1",
		"ports":          []any{map[string]any{"name": "strange", "containerPort": 4242}},
		"readinessProbe": map[string]any{"httpGet": map[string]any{"path": "/ready", "port": "strange"}},
	}
}

func appendTo(pod map[string]any, list string, item map[string]any) {
	items, _ := spec(pod)[list].([]any)
	spec(pod)[list] = append(items, item)
}

func prependTo(pod map[string]any, list string, item map[string]any) {
	items, _ := spec(pod)[list].([]any)
	spec(pod)[list] = slices.Concat([]any{item}, items)
}

// withoutOwn is a pod without our own annotations and without the status.
func withoutOwn(t testing.TB, pod []byte) any {
	t.Helper()
	o := tree(t, pod).(map[string]any)
	annotations := child(metadata(o), "annotations")
	for key := range annotations {
		if strings.HasPrefix(key, inject.Prefix) || key == inject.StatusAnnotation {
			delete(annotations, key)
		}
	}
	return o
}

// typedSpec is a pod's spec as the API reads it: what is zero is absent.
func typedSpec(t testing.TB, pod map[string]any) any {
	t.Helper()
	var typed corev1.Pod
	decode(t, encode(t, pod), &typed)
	return tree(t, encode(t, typed.Spec))
}

// moved is where an object of a pod is wanted after injection. Everything stays,
// but for the user's own istio-proxy: as a native sidecar it is an init
// container.
func moved(path string, pod []byte, t testing.TB) string {
	const from, to = "spec/containers/[" + inject.ProxyContainer + "]", "spec/initContainers/[" + inject.ProxyContainer + "]"
	rest, ok := strings.CutPrefix(path, from)
	if !ok {
		return path
	}
	native := false
	walk(tree(t, pod), nil, func(at []string, _ map[string]any) { native = native || strings.Join(at, "/") == to })
	if native {
		return to + rest
	}
	return path
}

// kept says whether every value of a list is still in it. Objects have their
// own test.
func kept(was []any, is any) bool {
	list, _ := is.([]any)
	for _, value := range was {
		switch value.(type) {
		case map[string]any, []any:
			continue
		}
		if !slices.ContainsFunc(list, func(item any) bool { return cmp.Equal(item, value) }) {
			return false
		}
	}
	return true
}

// at is what a JSON Pointer leads to.
func at(v any, pointer string) (any, bool) {
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch parent := v.(type) {
		case map[string]any:
			value, ok := parent[token]
			if !ok {
				return nil, false
			}
			v = value
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(parent) {
				return nil, false
			}
			v = parent[i]
		default:
			return nil, false
		}
	}
	return v, true
}
