package e2e_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// A collected collects spans, by OTLP over HTTP.
type collected struct {
	mu    sync.Mutex
	spans []*tracev1.Span
}

func (c *collected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request collector.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
}

// of are the names of a trace's spans.
func (c *collected) of(trace string) map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]bool{}
	for _, span := range c.spans {
		if hex.EncodeToString(span.GetTraceId()) == trace {
			names[span.GetName()] = true
		}
	}
	return names
}

// Who traces the creation of a pod finds the review in the trace, as the API server
// hands on what it is called with.
func TestReviewsAreInTheTraceOfTheCreation(t *testing.T) {
	t.Parallel()
	spans := &collected{}
	collects := httptest.NewServer(spans)
	defer collects.Close()
	_, namespace := install(t, injector.Options{
		Revision: "traced", Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collects.URL, "OTEL_BSP_SCHEDULE_DELAY=100"},
	})

	const trace = "0af7651916cd43dd8448eb211c80319c"
	config := cluster.Config()
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return sending{next, "00-" + trace + "-b7ad6b7169203331-01"}
	})
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := within(t)
	if _, err := client.CoreV1().Pods(namespace).Create(ctx, newPod("app"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"admission review", "decode", "decide", "render", "merge", "finish", "patch"} {
		until(t, "a span "+want, func() bool { return spans.of(trace)[want] })
	}
}

// sending sends a traceparent along.
type sending struct {
	next   http.RoundTripper
	parent string
}

func (s sending) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("traceparent", s.parent)
	return s.next.RoundTrip(r)
}
