package inject

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// recordOfIstiod makes a record for a pod that istiod's injector injected, from
// what that leaves on a pod; nil for a pod that it did not inject.
//
//	what istiod leaves                   tells
//	annotation sidecar.istio.io/status   the containers, volumes and pull secrets it added
//	annotation proxy.istio.io/overrides  the user's own containers, as they were
//	ISTIO_KUBE_APP_PROBERS               the probes, as they were (ports as numbers)
//	ISTIO_PROMETHEUS_ANNOTATIONS         the prometheus annotations, as they were
//
// What it added elsewhere (labels, a pod's security context) is not told apart
// from what the user wrote, and stays: its templates write there only what the
// user did not.
func (in *Injector) recordOfIstiod(pod object) *record {
	value, ok := annotation(pod, StatusAnnotation)
	var s status
	if !ok || json.Unmarshal([]byte(value), &s) != nil {
		return nil
	}
	own := ownContainers(pod)
	spec := undo{}
	added := func(list string, names []string) {
		u := undo{}
		for _, name := range names {
			if _, overlaid := own[name]; !overlaid {
				u[name] = addedNode
			}
		}
		spec[list] = undo{undoAdded: u}
	}
	added("containers", s.Containers)
	added("initContainers", s.InitContainers)
	added("volumes", s.Volumes)
	added("imagePullSecrets", s.ImagePullSecrets)
	in.undoProbes(spec, pod)
	undoOverlaid(spec, pod, own)
	annotations := undo{StatusAnnotation: addedNode, OverridesAnnotation: addedNode}
	in.undoPrometheus(annotations, pod)
	return &record{Undo: undo{"metadata": undo{"annotations": undo{undoAdded: annotations}}, "spec": spec}, own: own}
}

// undoOverlaid adds what templates put into the application's own containers.
// What others put there since is not told apart here: it is not taken out
// because no template puts it in again.
func undoOverlaid(spec undo, pod object, own map[string]object) {
	for _, list := range containerLists {
		for _, c := range objects(items(sub(pod, "spec"), list)) {
			then, overlaid := own[text(c, "name")]
			if overlaid && !ofIstio(text(c, "name")) {
				ensure(ensure(spec, list), undoAdded)[text(c, "name")] = undoFields(then, c)
			}
		}
	}
}

// ofIstio says whether a container is one of Istio's own, whoever wrote it.
func ofIstio(name string) bool { return slices.Contains(movers, name) }

// ownContainers are the user's own containers that istiod's templates named, as
// they were.
func ownContainers(pod object) map[string]object {
	value, _ := annotation(pod, OverridesAnnotation)
	var o overrides
	if json.Unmarshal([]byte(value), &o) != nil {
		return nil
	}
	out := map[string]object{}
	for _, raw := range append(o.Containers, o.InitContainers...) {
		own, err := decodeObject(raw)
		if err != nil || text(own, "name") == "" {
			continue
		}
		if text(own, "image") == "" {
			own["image"] = autoImage
		}
		out[text(own, "name")] = own
	}
	return out
}

// restoreOwn puts the user's own proxy and init containers back as they were.
func (r *record) restoreOwn(base object) {
	spec := sub(base, "spec")
	for _, name := range sortedKeys(toAny(r.own)) {
		for _, list := range containerLists {
			at, merged := find(items(spec, list), "name", name)
			if merged == nil || !ofIstio(name) {
				continue
			}
			if name == ProxyContainer && list == "initContainers" && text(r.own[name], "restartPolicy") == "" {
				// A native sidecar that is overridden was written among the containers.
				spec[list] = append(items(spec, list)[:at:at], items(spec, list)[at+1:]...)
				spec["containers"] = append(items(spec, "containers"), clone(r.own[name]))
				continue
			}
			items(spec, list)[at] = clone(r.own[name])
		}
	}
}

func toAny(m map[string]object) object {
	out := make(object, len(m))
	for key, value := range m {
		out[key] = value
	}
	return out
}

// undoProbes adds what istiod's rewriting of probes did to the undo of a pod.
func (in *Injector) undoProbes(spec undo, pod object) {
	_, env := find(items(proxyOf(pod), "env"), "name", probersEnv)
	probers, err := decodeObject([]byte(text(env, "value")))
	if err != nil {
		return
	}
	for _, list := range containerLists {
		for _, c := range objects(items(sub(pod, "spec"), list)) {
			u := undo{}
			for _, p := range appProbes {
				was := sub(probers, fmt.Sprintf(p.path, text(c, "name")))
				if was == nil {
					continue
				}
				holder := u
				if p.lifecycle {
					holder = ensure(u, "lifecycle")
				}
				holder[p.field] = undoProbe(was)
			}
			if len(u) > 0 {
				ensure(ensure(spec, list), undoAdded)[text(c, "name")] = u
			}
		}
	}
}

// undoProbe brings back the handler that a prober stands for.
func undoProbe(was object) undo {
	u := undo{}
	for _, handler := range []string{"tcpSocket", "grpc"} {
		if action, ok := was[handler]; ok {
			u[handler] = []any{action}
			u["httpGet"] = addedNode
		}
	}
	if get := sub(was, "httpGet"); get != nil {
		u["httpGet"] = []any{get}
	}
	return u
}

// undoPrometheus adds what istiod's merging of metrics did.
func (in *Injector) undoPrometheus(annotations undo, pod object) {
	port, _ := annotation(pod, "prometheus.io/port")
	if port != fmt.Sprint(in.mesh.GetDefaultConfig().GetStatusPort()) {
		return
	}
	_, env := find(items(proxyOf(pod), "env"), "name", prometheusEnv)
	var was scrape
	if value := text(env, "value"); value != "" && json.Unmarshal([]byte(value), &was) != nil {
		return
	}
	restore := func(key, value string) {
		annotations[key] = addedNode
		if value != "" {
			annotations[key] = []any{value}
		}
	}
	restore("prometheus.io/scrape", was.Scrape)
	if len(was.Targets) == 0 {
		restore("prometheus.io/port", was.Port)
		restore("prometheus.io/path", was.Path)
		return
	}
	restore("prometheus.io/port", "")
	restore("prometheus.io/path", "")
	var targets []string
	for _, t := range was.Targets {
		targets = append(targets, t.Port+":"+t.Path)
	}
	annotations[scrapeTargetsAnnotation] = []any{strings.Join(targets, ",")}
}
