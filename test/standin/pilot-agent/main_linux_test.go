package main

// Internal: a command runs in this process, with the environment of a test.

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// run runs a command and returns its status and what it printed.
func run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := program{func(string) string { return "" }, &out, &out}.run(t.Context(), args)
	return code, out.String()
}

func TestWrongCommandLines(t *testing.T) {
	for line, want := range map[string]string{
		"":                                 "no command, wanted istio-iptables, proxy, wait or request",
		"envoy":                            `command "envoy": unknown, wanted istio-iptables, proxy, wait or request`,
		"proxy":                            "proxy: 0 arguments [], wanted a role, sidecar or router",
		"proxy waypoint":                   `proxy: role "waypoint": unknown, wanted sidecar or router`,
		"proxy sidecar --stsPort=x":        `invalid argument "x" for "--stsPort" flag: strconv.ParseUint: parsing "x": invalid syntax`,
		"proxy sidecar --concurrency=2":    "unknown flag: --concurrency",
		"wait now":                         `wait: 1 arguments ["now"], wanted none`,
		"wait --periodMillis=0":            "wait: --periodMillis: 0, wanted more than 0",
		"request drain":                    `request: 1 arguments ["drain"], wanted METHOD PATH`,
		"request --debug-port=99999 GET /": `invalid argument "99999" for "--debug-port" flag: strconv.ParseUint: parsing "99999": value out of range`,
		"istio-iptables -m TPROXY":         `mode "TPROXY": not what the stand-in does, wanted REDIRECT`,
	} {
		code, out := run(t, strings.Fields(line)...)
		if wanted := "error: " + want + "\nhint: pilot-agent --help\n"; code != 64 || out != wanted {
			t.Errorf("%q: status %d, %q, want 64, %q", line, code, out, wanted)
		}
	}
}

func TestHelp(t *testing.T) {
	for line, want := range map[string]string{
		"--help": "Usage:", "istio-iptables -h": "--istio-inbound-ports", "wait --help": "--timeoutSeconds",
	} {
		if code, out := run(t, strings.Fields(line)...); code != 0 || !strings.Contains(out, want) || strings.Contains(out, "error:") {
			t.Errorf("%q: status %d, %q, want 0, %q", line, code, out, want)
		}
	}
}

func TestWaitAsksUntilItIsReady(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	if code, out := run(t, "wait", "--url="+server.URL, "--periodMillis=1", "--timeoutSeconds", "60"); code != 0 {
		t.Errorf("status %d: %s", code, out)
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
}

func TestWaitGivesUp(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	code, out := run(t, "wait", "--url="+server.URL, "--periodMillis=100", "--timeoutSeconds=1")
	if want := server.URL + ": not ready in 1 seconds: status 404, wanted 200"; code != 1 || !strings.Contains(out, want) {
		t.Errorf("status %d, %q, want 1, %q", code, out, want)
	}
}

func TestRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/drain" || r.Method != http.MethodPost {
			http.Error(w, "not that", http.StatusForbidden)
			return
		}
		w.Write([]byte("OK"))
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		code int
		out  string
	}{
		"drain": {0, "OK\n"}, "/drain": {0, "OK\n"},
		"quit": {1, "error: POST http://localhost:" + u.Port() + "/quit: status 403, wanted 200: not that\n"},
	} {
		if code, out := run(t, "request", "--debug-port="+u.Port(), "POST", path); code != want.code || out != want.out {
			t.Errorf("%s: status %d, %q, want %d, %q", path, code, out, want.code, want.out)
		}
	}
}
