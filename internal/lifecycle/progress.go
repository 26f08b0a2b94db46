package lifecycle

import (
	"fmt"

	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/cli-runtime/pkg/resource"
)

// An Event is a step on the way: something that happened to an object, or to nothing in
// particular.
type Event struct {
	// State is created, updated, deleted, waiting, ready, note or step.
	State string
	// Object is its kind and name, "" where there is none.
	Object string
	// Detail is what is waited for, or what there is to say.
	Detail string
}

// Progress is told of what happens, as it happens. It is called by one goroutine at a time.
type Progress func(Event)

// step says what is about to be done.
func (p Progress) step(format string, args ...any) {
	p(Event{State: "step", Detail: fmt.Sprintf(format, args...)})
}

func (p Progress) note(format string, args ...any) {
	p(Event{State: "note", Detail: fmt.Sprintf(format, args...)})
}

// objects tells of what Helm has done, object by object.
func (p Progress) objects(verb string, all kube.ResourceList) {
	for _, info := range all {
		name := info.Name
		if info.Namespace != "" {
			name = info.Namespace + "/" + name
		}
		p(Event{State: verb, Object: info.Mapping.GroupVersionKind.Kind + " " + name})
	}
}

// of tells of all objects, or where all but the webhooks were just told of, of those alone.
func (p Progress) of(webhooks bool) func(string, kube.ResourceList) {
	return func(verb string, all kube.ResourceList) {
		if webhooks {
			all = all.Filter(func(info *resource.Info) bool { return info.Mapping.GroupVersionKind.Kind == webhookKind })
		}
		p.objects(verb, all)
	}
}
