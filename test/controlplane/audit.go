package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AuditEvent is one request as the API server's audit log has it. Objects are there for
// pods that are created, updated or patched; of other requests there is who did what, and
// of those that only read there is nothing.
//
// Annotations tell which webhook changed the pod, and how: the keys begin with
// mutation.webhook.admission.k8s.io/ and patch.webhook.admission.k8s.io/ and go on with
// round_0_index_0, where the index counts all webhooks of the cluster. What a webhook said
// in its auditAnnotations is there after the webhook's name and a slash.
type AuditEvent struct {
	AuditID        string            `json:"auditID"`
	Stage          string            `json:"stage"`
	Verb           string            `json:"verb"`
	RequestURI     string            `json:"requestURI"`
	User           AuditUser         `json:"user"`
	UserAgent      string            `json:"userAgent"`
	ObjectRef      AuditObject       `json:"objectRef"`
	ResponseStatus metav1.Status     `json:"responseStatus"`
	RequestObject  json.RawMessage   `json:"requestObject"`
	ResponseObject json.RawMessage   `json:"responseObject"`
	Received       metav1.MicroTime  `json:"requestReceivedTimestamp"`
	Written        metav1.MicroTime  `json:"stageTimestamp"`
	Annotations    map[string]string `json:"annotations"`
}

// AuditUser is who made a request.
type AuditUser struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

// AuditObject is what a request was about. The name is empty where a pod was created by a
// generated one: the response has it.
type AuditObject struct {
	APIGroup    string `json:"apiGroup"`
	APIVersion  string `json:"apiVersion"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
}

// AuditEvents returns the events of the audit log, oldest first.
func (c *ControlPlane) AuditEvents() ([]AuditEvent, error) {
	text, err := os.ReadFile(c.auditLog())
	if err != nil {
		return nil, err
	}
	var events []AuditEvent
	for n, line := range bytes.SplitAfter(text, []byte("\n")) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // the end, or an event that is still being written
		}
		var event AuditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("audit log: line %d: %w", n+1, err)
		}
		events = append(events, event)
	}
	return events, nil
}

// WaitForAudit returns the oldest event that match accepts. An event is written when its
// request has been answered, so that it may follow a moment after the answer.
func (c *ControlPlane) WaitForAudit(ctx context.Context, match func(AuditEvent) bool) (AuditEvent, error) {
	for {
		events, err := c.AuditEvents()
		if err != nil {
			return AuditEvent{}, err
		}
		for _, event := range events {
			if match(event) {
				return event, nil
			}
		}
		select {
		case <-ctx.Done():
			return AuditEvent{}, fmt.Errorf("audit log: none of %d events matches: %w", len(events), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// auditLog is the file that the API server writes events into, each in a line.
func (c *ControlPlane) auditLog() string { return filepath.Join(c.logs(), "audit.log") }
