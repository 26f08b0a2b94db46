package injector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Readiness is what /readyz says.
type Readiness struct {
	Ready  bool             `json:"ready"`
	Checks map[string]Check `json:"checks"`
}

// A Check is what /readyz says of one thing.
type Check struct {
	Ready       bool              `json:"ready"`
	Why         string            `json:"why"`
	Since       time.Time         `json:"since"`
	Expires     time.Time         `json:"expires"`
	Phase       string            `json:"phase"`
	Waits       string            `json:"waits"`
	Unchecked   string            `json:"unchecked"`
	Hash        string            `json:"hash"`
	From        string            `json:"from"`
	Refused     string            `json:"refused"`
	Quarantined map[string]string `json:"quarantined"`
}

// Readiness asks the server once.
func (i *Injector) Readiness(ctx context.Context) (Readiness, error) {
	var r Readiness
	body, err := get(ctx, "http://"+i.health+"/readyz")
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(body, &r)
}

// Metrics is what Prometheus would read.
func (i *Injector) Metrics(ctx context.Context) (string, error) {
	body, err := get(ctx, "http://"+i.metrics+"/metrics")
	return string(body), err
}

// awaitLimit is how long a server may take to come to what is awaited. It takes a
// second or two on an idle machine.
const awaitLimit = 90 * time.Second

// Await returns when the server says what is wanted. If it never does, the error
// has what it said last and the end of its log.
func (i *Injector) Await(ctx context.Context, wanted func(Readiness) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, awaitLimit, errors.New("not as wanted in time"))
	defer cancel()
	for {
		r, err := i.Readiness(ctx)
		if err == nil && wanted(r) {
			return nil
		}
		select {
		case <-ctx.Done():
			said, _ := json.MarshalIndent(r, "", "  ")
			return fmt.Errorf("%s: %w: %s\n%s\n%w", i.Name(), context.Cause(ctx), said, i.LogTail(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// LogTail is the end of the server's log.
func (i *Injector) LogTail() string {
	text, err := os.ReadFile(i.Log())
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "")
}

// get reads what is at a URL, whatever its status.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}
