package inject

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
)

// autoImage in a user's own container asks for the template's image.
const autoImage = "auto"

// overrides are the containers of the user's own that a template named, as
// they were before: annotation proxy.istio.io/overrides (ParsedContainers in
// Istio's pkg/kube/inject/inject.go).
type overrides struct {
	Containers     []json.RawMessage `json:"containers,omitempty"`
	InitContainers []json.RawMessage `json:"initContainers,omitempty"`
}

// reapply lays the user's own containers over what the templates made of them:
// a template wins over the pod, but in a container that the user wrote, the
// user wins over the template.
func (r *rendering) reapply() error {
	spec := sub(r.merged, "spec")
	for _, list := range containerLists {
		for _, item := range items(sub(r.overlaid, "spec"), list) {
			name := identity(item, "name")
			own := r.own(list, name)
			at, merged := find(items(spec, list), "name", name)
			if own == nil || merged == nil {
				continue
			}
			out, err := Merge(merged, own)
			if err != nil {
				return denied(Conflict, "container %q of the pod cannot be laid over the template's: %v", name, err)
			}
			items(spec, list)[at] = out
			if err := r.remember(list, own); err != nil {
				return fmt.Errorf("container %q: %w", name, err)
			}
		}
	}
	return r.annotateOverrides()
}

// own is what a user's container of a name says, as a copy; nil where there is
// none. One that a template has among the init containers may be the user's
// among the others: that is how a native sidecar is overridden.
func (r *rendering) own(list, name string) object {
	spec := sub(r.base, "spec")
	own := r.declared(list, name)
	if own == nil {
		_, own = find(items(spec, list), "name", name)
	}
	if own == nil && list == "initContainers" {
		_, own = find(items(spec, "containers"), "name", name)
	}
	if own == nil {
		return nil
	}
	out := merging{}.adoptFields(own)
	if text(out, "image") == autoImage {
		delete(out, "image")
	}
	r.clearSharedUser(out)
	return out
}

// declared is the container of a name that the pod's annotation of overrides has:
// it goes before the pod's container of that name.
func (r *rendering) declared(list, name string) object {
	value, ok := annotation(r.base, OverridesAnnotation)
	var o overrides
	if !ok || json.Unmarshal([]byte(value), &o) != nil {
		return nil
	}
	from := o.Containers
	if list == "initContainers" {
		from = o.InitContainers
	}
	for _, raw := range from {
		if own, err := decodeObject(raw); err == nil && text(own, "name") == name {
			return own
		}
	}
	return nil
}

// clearSharedUser drops the user that OpenShift gave to every container alike:
// a proxy that shares the application's user exempts it from redirection. One
// that the author chose for the proxy alone stays.
func (r *rendering) clearSharedUser(own object) {
	user := sub(own, "securityContext")["runAsUser"]
	if r.in.env["PLATFORM"] != "openshift" || user == nil || text(own, "name") != ProxyContainer {
		return
	}
	for _, c := range objects(items(sub(r.base, "spec"), "containers")) {
		if text(c, "name") != ProxyContainer && equal(sub(c, "securityContext")["runAsUser"], user) {
			delete(sub(own, "securityContext"), "runAsUser")
			delete(sub(own, "securityContext"), "runAsGroup")
			return
		}
	}
}

// remember keeps a container for the annotation, in the API's field order where
// our types know all of it.
func (r *rendering) remember(list string, own object) error {
	raw, err := encode(own)
	if err != nil {
		return err
	}
	var typed corev1.Container
	if err := decodeTyped(raw, &typed); err == nil {
		if ordered, err := json.Marshal(typed); err == nil && sameBesidesEmpty(own, ordered) {
			raw = ordered
		}
	}
	if list == "initContainers" {
		r.overrides.InitContainers = append(r.overrides.InitContainers, raw)
	} else {
		r.overrides.Containers = append(r.overrides.Containers, raw)
	}
	return nil
}

// sameBesidesEmpty says whether every field of own is in the typed form of it.
func sameBesidesEmpty(own object, typed []byte) bool {
	tree, err := decodeObject(typed)
	return err == nil && covers(tree, own)
}

// covers says whether have has every name that v has, in every object of it.
func covers(have, v any) bool {
	switch v := v.(type) {
	case object:
		h, ok := have.(object)
		if !ok {
			return len(v) == 0
		}
		for field, value := range v {
			if _, there := h[field]; !there && !isEmpty(value) || !covers(h[field], value) {
				return false
			}
		}
	case []any:
		h, _ := have.([]any)
		return slices.EqualFunc(h, v, covers)
	}
	return true
}

// isEmpty says whether a field with this value may be left out of JSON.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case object:
		return len(v) == 0
	case []any:
		return len(v) == 0
	default:
		return v == nil || v == "" || v == false || v == json.Number("0")
	}
}

func (r *rendering) annotateOverrides() error {
	if r.overrides.Containers == nil && r.overrides.InitContainers == nil {
		return nil
	}
	raw, err := json.Marshal(r.overrides)
	if err != nil {
		return err
	}
	annotate(r.merged, OverridesAnnotation, string(raw))
	return nil
}

// Init containers of Istio's: the one that redirects, and, where a CNI plugin
// does that, the one that checks it.
const (
	initContainer       = "istio-init"
	validationContainer = "istio-validation"
)

// followUser brings the init containers in line with the user that the pod's
// author chose for the proxy: its traffic is exempted by user
// (adjustInitContainerUser in Istio's pkg/kube/inject/webhook.go).
func (r *rendering) followUser() {
	own := r.own("initContainers", ProxyContainer)
	context := sub(own, "securityContext")
	user, group := context["runAsUser"], context["runAsGroup"]
	if user == nil && group == nil {
		return
	}
	spec := sub(r.merged, "spec")
	tproxy := r.interception() == "TPROXY"
	if proxy := proxyOf(r.merged); proxy != nil && tproxy {
		ensure(proxy, "securityContext")["runAsUser"] = json.Number("0")
	}
	for _, name := range []string{initContainer, validationContainer} {
		_, c := find(items(spec, "initContainers"), "name", name)
		if c == nil {
			continue
		}
		if name == validationContainer && !tproxy {
			copyField(ensure(c, "securityContext"), context, "runAsUser")
			copyField(ensure(c, "securityContext"), context, "runAsGroup")
		}
		if user != nil && scalar(user) != "0" {
			setArgument(c, "-u", scalar(user))
		}
		return // a template has one of the two
	}
}

func copyField(dst, src object, field string) {
	if value, ok := src[field]; ok {
		dst[field] = value
	}
}

// setArgument replaces what follows flag in a container's arguments.
func setArgument(c object, flag, value string) {
	args := items(c, "args")
	if at := slices.Index(args, any(flag)); at >= 0 && at+1 < len(args) {
		args = slices.Clone(args)
		args[at+1] = value
		c["args"] = args
	}
}

const interceptionAnnotation = "sidecar.istio.io/interceptionMode"

// interception is how traffic is redirected: REDIRECT, TPROXY or NONE.
func (r *rendering) interception() string {
	if mode, ok := r.pod.Annotations[interceptionAnnotation]; ok {
		return mode
	}
	return r.proxyConfig.GetInterceptionMode().String()
}

// annotate writes an annotation.
func annotate(pod object, key, value string) {
	ensure(ensure(pod, "metadata"), "annotations")[key] = value
}

// annotation is a pod's annotation, and whether it has it.
func annotation(pod object, key string) (string, bool) {
	value, ok := sub(sub(pod, "metadata"), "annotations")[key].(string)
	return value, ok
}

// parseBool reads an annotation that means yes or no; ok is false where it is
// absent or neither.
func parseBool(pod object, key string) (value, ok bool) {
	s, _ := annotation(pod, key)
	value, err := strconv.ParseBool(s)
	return value, err == nil
}
