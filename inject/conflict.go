package inject

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// checkConflicts looks for what the templates and the pod cannot both have. The
// API server would refuse such a pod too, but in words that speak of a pod which
// its author never wrote.
func (r *rendering) checkConflicts() error {
	if err := r.checkVolumes(); err != nil {
		return err
	}
	if err := r.checkNames(); err != nil {
		return err
	}
	if err := r.checkUsers(); err != nil {
		return err
	}
	r.checkPorts()
	r.checkPodSecurity()
	return nil
}

// checkVolumes looks at volumes that both a template and the pod have. One with
// two sources is refused; of one with one, what the template puts in place of
// the pod's own is warned of.
func (r *rendering) checkVolumes() error {
	for _, volume := range objects(items(sub(r.merged, "spec"), "volumes")) {
		name := text(volume, "name")
		_, ours := find(items(sub(r.overlaid, "spec"), "volumes"), "name", name)
		_, theirs := find(items(sub(r.base, "spec"), "volumes"), "name", name)
		if ours == nil || theirs == nil {
			continue
		}
		if len(sources(volume)) < 2 {
			if !keeps(volume, theirs) {
				r.warn("volume %q: the template's %s replaces the pod's; rename the pod's volume", short(name), strings.Join(sources(volume), ""))
			}
			continue
		}
		if slices.Equal(sources(ours), sources(theirs)) {
			continue // wrong in itself, and for whoever wrote it to hear from the API server
		}
		return denied(Conflict, "volume %q: the template has %s and the pod %s; rename the pod's volume",
			name, strings.Join(sources(ours), " and "), strings.Join(sources(theirs), " and "))
	}
	return nil
}

// keeps says whether all that was is there still, whatever has been added.
func keeps(is, was any) bool {
	o, ok := was.(object)
	if !ok {
		return equal(is, was)
	}
	have, ok := is.(object)
	for field, value := range o {
		ok = ok && keeps(have[field], value)
	}
	return ok
}

// sources are the sources of a volume: every field but its name.
func sources(volume object) []string {
	return slices.DeleteFunc(sortedKeys(volume), func(field string) bool { return field == "name" })
}

// checkNames refuses a container of the same name in both lists.
func (r *rendering) checkNames() error {
	spec := sub(r.merged, "spec")
	for _, c := range objects(items(spec, "initContainers")) {
		name := text(c, "name")
		if _, twice := find(items(spec, "containers"), "name", name); twice == nil || !r.templateOnly(name) {
			continue
		}
		return denied(Conflict, "container %q: the template and the pod have it in different lists, containers and initContainers; rename the pod's", name)
	}
	return nil
}

// templateOnly says whether a template has a container that the pod has in the
// other list. Where templates alone have it in both, the pod's author could
// change nothing.
func (r *rendering) templateOnly(name string) bool {
	for i, list := range containerLists {
		other := containerLists[1-i]
		_, ours := find(items(sub(r.overlaid, "spec"), list), "name", name)
		_, theirs := find(items(sub(r.base, "spec"), other), "name", name)
		if ours != nil && theirs != nil {
			return true
		}
	}
	return false
}

// checkUsers looks for containers that run as the proxy's user: what they send
// is taken for the proxy's own and not redirected.
func (r *rendering) checkUsers() error {
	proxy := proxyOf(r.merged)
	user := sub(proxy, "securityContext")["runAsUser"]
	if user == nil || scalar(user) == "0" || r.interception() == "NONE" {
		return nil
	}
	for _, c := range r.applications() {
		if !equal(r.userOf(c), user) {
			continue
		}
		if r.in.config.UserCollision == "deny" {
			return denied(Conflict, "container %q runs as user %s, which is the proxy's: its traffic would not be redirected; choose another user",
				text(c, "name"), scalar(user))
		}
		r.warn("container %q runs as the proxy's user %s: its traffic is not redirected", short(text(c, "name")), scalar(user))
	}
	return nil
}

// userOf is the user that a container runs as, nil where nothing says so.
func (r *rendering) userOf(c object) any {
	if user := sub(c, "securityContext")["runAsUser"]; user != nil {
		return user
	}
	return sub(sub(r.base, "spec"), "securityContext")["runAsUser"]
}

// applications are the pod's own containers, the proxy's apart.
func (r *rendering) applications() []object {
	var out []object
	for _, list := range containerLists {
		for _, c := range objects(items(sub(r.base, "spec"), list)) {
			if text(c, "name") != ProxyContainer {
				out = append(out, c)
			}
		}
	}
	return out
}

// checkPorts warns of ports that the proxy listens on already.
func (r *rendering) checkPorts() {
	if proxyOf(r.merged) == nil {
		return
	}
	for _, c := range r.applications() {
		for _, p := range objects(items(c, "ports")) {
			number := scalar(p["containerPort"])
			if slices.Contains(agentPorts, number) && p["protocol"] != string(corev1.ProtocolUDP) {
				r.warn("container %q: port %s is the proxy's own", short(text(c, "name")), number)
			}
		}
	}
}

// checkRoom refuses a pod whose annotations leave no room for what an injection
// writes beside them.
func checkRoom(base, pod object) error {
	const most = 256 << 10 // TotalAnnotationSizeLimitB in apimachinery's pkg/api/validation
	theirs, all := annotationsSize(base), annotationsSize(pod)
	if theirs > most || all <= most {
		return nil // no room without us either, or room for both
	}
	return denied(Conflict, "annotations: the pod has %d bytes and an injection adds %d, wanted at most %d together; shorten the pod's",
		theirs, all-theirs, most)
}

// annotationsSize is the size of keys and values, as the API server counts.
func annotationsSize(pod object) int {
	total := 0
	for key, value := range sub(sub(pod, "metadata"), "annotations") {
		total += len(key) + len(scalar(value))
	}
	return total
}

// fitPodResources takes the resources off the containers that were added to a
// pod which has resources as a whole: the API server refuses containers that
// ask for more than their pod, and the pod's author did not count ours in.
func (r *rendering) fitPodResources() {
	total := sub(sub(r.base, "spec"), "resources")
	if len(sub(total, "requests")) == 0 && len(sub(total, "limits")) == 0 {
		return
	}
	fitted := false
	for _, list := range containerLists {
		for _, item := range items(sub(r.overlaid, "spec"), list) {
			name := identity(item, "name")
			_, c := find(items(sub(r.merged, "spec"), list), "name", name)
			if c == nil || r.own(list, name) != nil || c["resources"] == nil {
				continue
			}
			delete(c, "resources")
			fitted = true
		}
	}
	if fitted {
		r.warn("the pod has resources as a whole, so the containers that are added have none of their own")
	}
}
