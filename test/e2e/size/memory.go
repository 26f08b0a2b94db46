package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"outrigger.dev/outrigger/test/e2e/injector"
)

// memory is what a process has, in bytes.
type memory struct {
	// resident is what it has now, peak the most that it had, program the part of
	// resident that is its file, heap what Go's garbage collector has in use.
	resident, peak, program, heap int64
}

// memoryOf asks Linux, and for the heap the server.
func memoryOf(ctx context.Context, server *injector.Injector) (memory, error) {
	var m memory
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.PID()))
	if err != nil {
		return m, err
	}
	for field, value := range map[string]*int64{"VmRSS:": &m.resident, "VmHWM:": &m.peak, "RssFile:": &m.program} {
		if *value, err = number(text, field); err != nil {
			return m, err
		}
		*value <<= 10
	}
	metrics, err := server.Metrics(ctx)
	if err != nil {
		return m, err
	}
	m.heap, err = number([]byte(metrics), "go_memstats_heap_inuse_bytes ")
	return m, err
}

// number is what stands after a name, at the beginning of a line.
func number(text []byte, name string) (int64, error) {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		fields := strings.Fields(rest)
		if !ok || len(fields) == 0 {
			continue
		}
		value, err := strconv.ParseFloat(fields[0], 64)
		return int64(value), err
	}
	return 0, fmt.Errorf("%q: is nowhere, want a number after it", name)
}
