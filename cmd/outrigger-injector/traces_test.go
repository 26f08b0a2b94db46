package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

func TestTracesWanted(t *testing.T) {
	const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318"
	for name, tc := range map[string]struct {
		env    string
		wanted bool
		err    string
	}{
		"nothing is set":                          {},
		"an endpoint":                             {env: endpoint, wanted: true},
		"an endpoint of traces":                   {env: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://collector:4318/v1/traces", wanted: true},
		"an endpoint of metrics":                  {env: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://collector:4318"},
		"the exporter, to where it is by default": {env: "OTEL_TRACES_EXPORTER=otlp", wanted: true},
		"an endpoint, but no traces":              {env: endpoint + " OTEL_TRACES_EXPORTER=none"},
		"an endpoint, but all is off":             {env: endpoint + " OTEL_SDK_DISABLED=true"},
		"an exporter that is not there":           {env: "OTEL_TRACES_EXPORTER=zipkin", err: `OTEL_TRACES_EXPORTER "zipkin": not known here, want otlp or none`},
		"the protocol that is spoken":             {env: endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", wanted: true},
		"a protocol that is not":                  {env: endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=grpc", err: `OTEL_EXPORTER_OTLP_PROTOCOL "grpc": not spoken here, want http/protobuf`},
		"a protocol, but another of traces":       {env: endpoint + " OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf", wanted: true},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{}
			for _, pair := range strings.Fields(tc.env) {
				key, value, _ := strings.Cut(pair, "=")
				env[key] = value
			}
			wanted, err := tracesWanted(func(key string) string { return env[key] })
			got := ""
			if err != nil {
				got = err.Error()
			}
			if wanted != tc.wanted || got != tc.err {
				t.Errorf("%t, %q; want %t, %q", wanted, got, tc.wanted, tc.err)
			}
		})
	}
}

// What a collector gets, over HTTP, when the server has stopped.
func TestSpansReachACollector(t *testing.T) {
	var got []string
	collects := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		for _, of := range request.GetResourceSpans() {
			for _, a := range of.GetResource().GetAttributes() {
				if strings.HasPrefix(a.GetKey(), "telemetry.") || a.GetKey() == "service.version" {
					continue
				}
				got = append(got, a.GetKey()+"="+a.GetValue().GetStringValue())
			}
			for _, scope := range of.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					got = append(got, span.GetName())
				}
			}
		}
	}))
	defer collects.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collects.URL)
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.cluster.name=west")

	provider := newTraces(t.Context(), "canary", slog.New(slog.NewTextHandler(t.Output(), nil)))
	_, span := provider.Tracer("test").Start(t.Context(), "admission review")
	span.End()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := flushed(provider)(stopped); err != nil {
		t.Fatal(err)
	}
	want := []string{"k8s.cluster.name=west", "outrigger.revision=canary", "service.name=outrigger-injector", "admission review"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A wrong variable stops no server.
func TestSpansThatCannotBeSentAreToldOf(t *testing.T) {
	t.Setenv("OTEL_TRACES_EXPORTER", "zipkin")
	var log strings.Builder
	if provider := newTraces(t.Context(), "", slog.New(slog.NewTextHandler(&log, nil))); provider != nil {
		t.Error("there are spans all the same")
	}
	if want := `level=WARN msg="no spans are sent" err="OTEL_TRACES_EXPORTER \"zipkin\"`; !strings.Contains(log.String(), want) {
		t.Errorf("the log has %s, want %s", log.String(), want)
	}
}
