package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// lastSpans is how long the last spans may take to get away once the server has stopped.
const lastSpans = 3 * time.Second

// tracesWanted says whether OpenTelemetry's environment variables ask for spans, and to
// where, or what is wrong with them. Nothing is sent before they do:
//
//	OTEL_SDK_DISABLED=true                              no
//	OTEL_TRACES_EXPORTER=none                           no
//	OTEL_TRACES_EXPORTER=otlp                           yes
//	OTEL_TRACES_EXPORTER=anything else                  an error
//	OTEL_EXPORTER_OTLP_ENDPOINT, or the same of TRACES  yes
//	none of these                                       no
//
// and OTEL_EXPORTER_OTLP_PROTOCOL, or that of TRACES, has to be http/protobuf where it is
// set. What else there is (endpoint, headers, certificates, sampler, batches, attributes
// of the resource) the libraries read themselves.
func tracesWanted(env func(string) string) (bool, error) {
	if env("OTEL_SDK_DISABLED") == "true" {
		return false, nil
	}
	switch exporter := env("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return false, nil
	case "otlp":
	case "":
		if env("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
			return false, nil
		}
	default:
		return false, fmt.Errorf("OTEL_TRACES_EXPORTER %q: not known here, want otlp or none", exporter)
	}
	const spoken = "http/protobuf"
	if protocol := cmp.Or(env("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), env("OTEL_EXPORTER_OTLP_PROTOCOL"), spoken); protocol != spoken {
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL %q: not spoken here, want %s", protocol, spoken)
	}
	return true, nil
}

// newTraces sends spans as the environment says. It is nil where no spans are wanted; and
// where they cannot be sent, which is told to the log: pods do not wait for spans.
func newTraces(ctx context.Context, revision string, log *slog.Logger) *sdktrace.TracerProvider {
	provider, err := tracerProvider(ctx, revision)
	if err != nil {
		log.Warn("no spans are sent", "err", err)
		return nil
	}
	if provider != nil {
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("spans were not sent", "err", err) }))
	}
	return provider
}

func tracerProvider(ctx context.Context, revision string) (*sdktrace.TracerProvider, error) {
	if wanted, err := tracesWanted(os.Getenv); !wanted {
		return nil, err
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	of, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "outrigger-injector"),
		attribute.String("service.version", buildVersion()),
		attribute.String("outrigger.revision", cmp.Or(revision, "default")),
	), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(of)), nil
}

// flushed runs until ctx ends, and then sends what spans there are still.
func flushed(provider *sdktrace.TracerProvider) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSpans)
		defer cancel()
		// That they did not get away is told by the handler of errors.
		_ = provider.Shutdown(last)
		return nil
	}
}
