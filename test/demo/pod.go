package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// A pod is the part of a pod that the demo shows.
type pod struct {
	Metadata struct {
		Name, Namespace string
		Annotations     map[string]string
	}
	Spec struct {
		InitContainers, Containers []container
	}
	Status struct{ PodIP string }
}

type container struct {
	Name, Image   string
	RestartPolicy string
}

// status is what an injected pod's annotation sidecar.istio.io/status tells.
type status struct {
	InitContainers, Containers []string
	Revision                   string
}

// containers writes a line for each container in the order in which they start,
// and whose each is.
func (p pod) containers(w io.Writer) error {
	var s status
	if err := json.Unmarshal([]byte(p.Metadata.Annotations["sidecar.istio.io/status"]), &s); err != nil {
		return fmt.Errorf("pod %q: annotation sidecar.istio.io/status: %w", p.Metadata.Name, err)
	}
	added := map[string]bool{}
	for _, name := range append(s.InitContainers, s.Containers...) {
		added[name] = true
	}
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	row := func(c container, runs string) {
		whose := "yours"
		if added[c.Name] {
			whose = "added by Outrigger"
		}
		fmt.Fprintf(table, "    %s\t%s\t%s\t%s\n", c.Name, runs, c.Image, whose)
	}
	for _, c := range p.Spec.InitContainers {
		runs := "runs first, and ends"
		if c.RestartPolicy == "Always" {
			runs = "native sidecar"
		}
		row(c, runs)
	}
	for _, c := range p.Spec.Containers {
		row(c, "container")
	}
	return table.Flush()
}

// A verdict is what the API server's audit log keeps of one call of the webhook.
type verdict struct {
	webhook string
	said    map[string]string
}

// verdictOn finds what the webhook said of a pod in the API server's audit log.
func verdictOn(p pod, auditLog string) (verdict, error) {
	file, err := os.Open(auditLog)
	if err != nil {
		return verdict{}, err
	}
	defer file.Close()
	for lines := bufio.NewReader(file); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return verdict{}, fmt.Errorf("pod %q: not in %s", p.Metadata.Name, auditLog)
		}
		var e struct {
			Verb           string
			ResponseObject pod
			Annotations    map[string]string
		}
		if json.Unmarshal(line, &e) != nil || e.Verb != "create" || e.ResponseObject.Metadata.Name != p.Metadata.Name {
			continue
		}
		v := verdict{said: map[string]string{}}
		for key, value := range e.Annotations {
			webhook, what, _ := strings.Cut(key, "/")
			if strings.HasSuffix(webhook, ".injector.outrigger.dev") {
				v.webhook, v.said[what] = webhook, value
			}
		}
		if v.webhook != "" {
			return v, nil
		}
	}
}

// write writes the verdict a line each: who, what and why.
func (v verdict) write(w io.Writer) {
	fmt.Fprintf(w, "    webhook    %s\n", v.webhook)
	for _, key := range []string{"decision", "reason", "templates", "revision", "config"} {
		if v.said[key] != "" {
			fmt.Fprintf(w, "    %-10s %s\n", key, v.said[key])
		}
	}
}
