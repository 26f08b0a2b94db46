package chart_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/test/controlplane"
)

// changesIn tells by the audit log what the command line has changed in a namespace, a line
// for each, and from the first of that on whose pods controllers have made: those of one
// and the same workload, one after the other, in one line. Dry runs change nothing.
func changesIn(namespace string) (string, error) {
	events, err := cluster.AuditEvents()
	if err != nil {
		return "", err
	}
	slices.SortStableFunc(events, func(a, b controlplane.AuditEvent) int { return a.Received.Compare(b.Received.Time) })
	var lines []string
	for _, e := range events {
		about := e.ObjectRef
		if about.Namespace != namespace || e.ResponseStatus.Code >= http.StatusMultipleChoices || strings.Contains(e.RequestURI, "dryRun=") {
			continue
		}
		line := fmt.Sprintf("%s %s/%s", e.Verb, about.Resource, about.Name)
		switch byHand := strings.HasPrefix(e.UserAgent, "outrigger/"); {
		case byHand:
		case len(lines) > 0 && e.Verb == "create" && about.Resource == "pods" && about.Subresource == "":
			line = "  " + makerOf(e.ResponseObject)
		default:
			continue
		}
		lines = append(lines, line+"\n")
	}
	return strings.Join(slices.Compact(lines), ""), nil
}

// makerOf says which kind of controller has made a pod, and of which app.
func makerOf(pod json.RawMessage) string {
	var of struct{ Metadata metav1.ObjectMeta }
	if err := json.Unmarshal(pod, &of); err != nil {
		return err.Error()
	}
	controller := cmp.Or(metav1.GetControllerOf(&of.Metadata), &metav1.OwnerReference{Kind: "nobody"})
	return controller.Kind + " makes pods of " + of.Metadata.Labels["app"]
}
