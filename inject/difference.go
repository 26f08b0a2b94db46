package inject

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A Difference is one place in which a pod is not what it would be if it were created now.
type Difference struct {
	// Path names the place, elements of lists by what tells them apart, or their index:
	//
	//	spec.initContainers[istio-proxy].image
	//	spec.initContainers[istio-proxy].args[4]
	//	metadata.annotations[istio.io/rev]
	//
	// The path of a list that has the same elements in another order is that of the list.
	Path string `json:"path"`
	// Live is what the pod has there, and New what a new one would have: a value of
	// JSON, nil where there is nothing. Of a list in another order it is the names.
	Live any `json:"live,omitempty"`
	New  any `json:"new,omitempty"`
}

// String is the place with both values, each on one line.
func (d Difference) String() string {
	switch {
	case d.Live == nil:
		return fmt.Sprintf("%s: new: %s", d.Path, line(d.New))
	case d.New == nil:
		return fmt.Sprintf("%s: gone: %s", d.Path, line(d.Live))
	default:
		return fmt.Sprintf("%s: %s -> %s", d.Path, line(d.Live), line(d.New))
	}
}

// line is a value of JSON in one line.
func line(value any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// differences compares a pod that is there with one that would be.
func differences(live, fresh object) []Difference {
	for _, list := range containerLists {
		for _, c := range objects(items(sub(fresh, "spec"), list)) {
			if _, was := find(items(sub(live, "spec"), list), "name", text(c, "name")); was != nil {
				complete(c, was)
			}
		}
	}
	var c comparison
	c.value("", "", live, fresh)
	return c.found
}

// tokenPath is where the ServiceAccount plugin mounts the token in every container that
// has nothing there.
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// complete gives a container that would be what the API server will give it, as far as
// the one that is there shows that it does: what a container has as a whole, requests of
// its limits, and the token. The values below are [defaulted]'s.
func complete(fresh, live object) {
	pull := "IfNotPresent"
	if image := text(live, "image"); strings.HasSuffix(image, ":latest") || !strings.Contains(image[strings.LastIndex(image, "/")+1:], ":") {
		pull = "Always"
	}
	for field, value := range map[string]string{
		"imagePullPolicy": pull, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
	} {
		if _, has := fresh[field]; !has && text(live, field) == value {
			fresh[field] = value
		}
	}
	resources := sub(fresh, "resources")
	for name, limit := range sub(resources, "limits") {
		_, stored := sub(sub(live, "resources"), "requests")[name]
		if _, has := sub(resources, "requests")[name]; stored && !has {
			ensure(resources, "requests")[name] = limit
		}
	}
	mounts := items(fresh, "volumeMounts")
	_, token := find(items(live, "volumeMounts"), "mountPath", tokenPath)
	if _, has := find(mounts, "mountPath", tokenPath); token != nil && has == nil {
		fresh["volumeMounts"] = append(mounts[:len(mounts):len(mounts)], token)
	}
}

type comparison struct{ found []Difference }

// written is where an injected pod says how it was injected.
var written = []string{
	place("metadata.annotations", "annotations", RecordAnnotation),
	place("metadata.annotations", "annotations", StatusAnnotation),
}

func (c *comparison) add(path string, live, fresh any) {
	if !slices.Contains(written, path) {
		c.found = append(c.found, Difference{Path: path, Live: live, New: fresh})
	}
}

// value compares what is in a field. What the API server stores otherwise than it was
// sent is the same.
func (c *comparison) value(path, field string, live, fresh any) {
	if equal(live, fresh) || strings.HasPrefix(path, "spec.") && isDefaulted(field, fresh, live) {
		return
	}
	was, is := children(field, live), children(field, fresh)
	if was == nil || is == nil {
		c.whole(path, live, fresh)
		return
	}
	for _, part := range was.list {
		at := place(path, field, part.id)
		if now, stays := is.of[part.id]; stays {
			c.value(at, within(field, part.field), part.value, now.value)
			continue
		}
		if !strings.HasPrefix(at, "spec.") || !isAPIDefault(part.field, part.value) {
			c.add(at, part.value, nil)
		}
	}
	for _, part := range is.list {
		at := place(path, field, part.id)
		if was.of[part.id] == nil && !(strings.HasPrefix(at, "spec.") && isDropped(part.field, part.value)) {
			c.add(at, nil, part.value)
		}
	}
	if _, listed := live.([]any); listed {
		c.order(path, was, is)
	}
}

// whole compares what has no named parts. Lists of one length, as arguments are, differ in
// their elements.
func (c *comparison) whole(path string, live, fresh any) {
	was, _ := live.([]any)
	is, _ := fresh.([]any)
	if len(was) == 0 || len(was) != len(is) {
		c.add(path, live, fresh)
		return
	}
	for i := range was {
		c.value(fmt.Sprintf("%s[%d]", path, i), "", was[i], is[i])
	}
}

// order compares the order of the elements that both have.
func (c *comparison) order(path string, was, is *family) {
	then, now := was.common(is), is.common(was)
	if !slices.Equal(then, now) {
		c.add(path, then, now)
	}
}

// common are the ids of those that are in other, too, in their order.
func (f *family) common(other *family) []string {
	var ids []string
	for _, part := range f.list {
		if other.of[part.id] != nil {
			ids = append(ids, part.id)
		}
	}
	return ids
}

// place is the path of a part of what is in a field. What is in a list, and in a map
// whose keys are its author's, is in brackets.
func place(path, field, id string) string {
	_, listed := listKeys[field]
	switch {
	case path == "":
		return id
	case listed || slices.Contains(freeMaps, field):
		return path + "[" + id + "]"
	default:
		return path + "." + id
	}
}

// freeMaps are the fields whose keys have dots and slashes in them.
var freeMaps = []string{"annotations", "labels", "limits", "matchLabels", "nodeSelector", "requests"}
