package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// readyz is what a replica says of itself, as far as it is repeated here.
type readyz struct {
	Ready   bool   `json:"ready"`
	Version string `json:"version"`
	Checks  map[string]struct {
		Ready       bool              `json:"ready"`
		Why         string            `json:"why"`
		Waits       string            `json:"waits"`
		Refused     string            `json:"refused"`
		Quarantined map[string]string `json:"quarantined"`
	} `json:"checks"`
}

// readiness asks every replica, through the API server.
func (c *Cluster) readiness(ctx context.Context, of Installation) []Finding {
	pods, err := c.Kubernetes.CoreV1().Pods(of.Namespace).List(ctx, metav1.ListOptions{LabelSelector: of.selector()})
	if err != nil {
		return []Finding{{Check: "readiness", Level: Warning, Reason: "not-read", Text: err.Error()}}
	}
	var findings []Finding
	for _, pod := range pods.Items {
		if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
			continue // the Deployment's replicas say what there is to say
		}
		found, err := c.askReplica(ctx, &pod)
		if err != nil {
			findings = append(findings, Finding{
				Check: "readiness", Level: Note, Reason: "not-read", Text: fmt.Sprintf("pod %q: /readyz: %v", pod.Name, err),
				Cure: fmt.Sprintf("kubectl -n %s port-forward %s 8081 & curl -s localhost:8081/readyz", of.Namespace, pod.Name),
			})
			continue
		}
		findings = append(findings, found.findings(of, pod.Name)...)
	}
	return findings
}

// askReplica reads /readyz of a pod by the API server's proxy.
func (c *Cluster) askReplica(ctx context.Context, pod *corev1.Pod) (readyz, error) {
	var found readyz
	body, err := c.Kubernetes.CoreV1().RESTClient().Get().Namespace(pod.Namespace).
		Resource("pods").Name(pod.Name + ":" + healthPort(pod)).SubResource("proxy").Suffix("readyz").DoRaw(ctx)
	if json.Unmarshal(body, &found) == nil && len(found.Checks) > 0 {
		return found, nil // one that is not ready answers with 503, and says why
	}
	if err == nil {
		err = errors.New("not what a replica says")
	}
	return found, err
}

// healthPort is the number of the port of that name; the chart's default where none is.
func healthPort(pod *corev1.Pod) string {
	for _, container := range pod.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == "health" {
				return fmt.Sprint(port.ContainerPort)
			}
		}
	}
	return "8081"
}

// findings are what is not well with a replica, or that it is.
func (r readyz) findings(of Installation, pod string) []Finding {
	var findings []Finding
	logs := fmt.Sprintf("kubectl -n %s logs %s", of.Namespace, pod)
	add := func(level Level, reason, text string) {
		findings = append(findings, Finding{Check: "readiness", Level: level, Reason: reason, Text: fmt.Sprintf("pod %q: %s", pod, text), Cure: logs})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Checks)) {
		check := r.Checks[name]
		if !check.Ready {
			why := check.Why
			if check.Waits != "" {
				why += ": " + check.Waits
			}
			add(Error, "not-ready", name+": "+why)
		}
		if check.Ready && check.Refused != "" {
			add(Warning, "refused", name+": a newer one is refused: "+check.Refused)
		}
		for _, template := range slices.Sorted(maps.Keys(check.Quarantined)) {
			add(Note, "quarantined", fmt.Sprintf("template %q is kept out: %s", template, check.Quarantined[template]))
		}
	}
	if len(findings) == 0 {
		findings = []Finding{{Check: "readiness", Level: OK, Text: fmt.Sprintf("pod %q is ready", pod)}}
	}
	return findings
}
