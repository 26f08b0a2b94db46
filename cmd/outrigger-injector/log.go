package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"k8s.io/klog/v2"
)

// newLog makes the log that everything in the process writes to: ours, client-go's
// and the standard library's.
func newLog(out io.Writer, level, format string) (*slog.Logger, error) {
	options := &slog.HandlerOptions{ReplaceAttr: readable}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", level)
	}
	options.Level = l
	var handler slog.Handler
	switch format {
	case "json":
		handler = slog.NewJSONHandler(out, options)
	case "text":
		handler = slog.NewTextHandler(out, options)
	default:
		return nil, fmt.Errorf("--log-format %q: want json or text", format)
	}
	log := slog.New(handler)
	slog.SetDefault(log) // net/http tells the standard log of failed handshakes
	klog.SetSlogLogger(log.With("logger", "client-go"))
	return log, nil
}

// readable writes durations as a person would, also in JSON, where they would be
// numbers of nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().Round(time.Microsecond).String())
	}
	return a
}
