package main

// Internal: commands run in this process, and a server on a listener of the test's.

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
)

func run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := program{&out, &out}.run(t.Context(), args)
	return code, out.String()
}

func TestStatuses(t *testing.T) {
	for line, want := range map[string]struct {
		code int
		out  string
	}{
		"exit 0":           {0, ""},
		"exit 7":           {7, ""},
		"exit":             {64, "error: exit: 0 arguments [], wanted STATUS\nhint: app --help\n"},
		"exit 256":         {64, "error: exit: \"256\": no status, wanted a number from 0 to 255\nhint: app --help\n"},
		"":                 {64, "error: no command, wanted serve, get, write, logs or exit\nhint: app --help\n"},
		"sleep":            {64, "error: command \"sleep\": unknown, wanted serve, get, write, logs or exit\nhint: app --help\n"},
		"serve now":        {64, "error: serve: 1 arguments [\"now\"], wanted none\nhint: app --help\n"},
		"get --often=1 /x": {64, "error: unknown flag: --often\nhint: app --help\n"},
	} {
		if code, out := run(t, strings.Fields(line)...); code != want.code || out != want.out {
			t.Errorf("%q: status %d, %q, want %d, %q", line, code, out, want.code, want.out)
		}
	}
	if code, out := run(t, "serve", "--help"); code != 0 || !strings.Contains(out, "--grpc") {
		t.Errorf("serve --help: status %d, %q", code, out)
	}
}

func TestGet(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path == "/bad" || r.URL.Path == "/third" && asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		io.WriteString(w, "hi\n")
	}))
	defer server.Close()
	for line, want := range map[string]struct {
		code int
		out  string
	}{
		"get URL/":                             {0, "hi\n"},
		"get -q URL/":                          {0, ""},
		"get -q URL/bad":                       {1, "error: URL/bad: status 503\n"},
		"get -q --retry 30s URL/third":         {0, ""},
		"get -q --every 1ms --count 3 URL/":    {0, "3 good, 0 bad\n"},
		"get -q --every 1ms --count=1 URL/bad": {1, "URL/bad: status 503\n0 good, 1 bad\n"},
	} {
		asked = 0
		code, out := run(t, strings.Fields(strings.ReplaceAll(line, "URL", server.URL))...)
		if out = strings.ReplaceAll(out, server.URL, "URL"); code != want.code || out != want.out {
			t.Errorf("%q: status %d, %q, want %d, %q", line, code, out, want.code, want.out)
		}
	}
}

func TestLogsPrintsWholeLinesOfEachFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sub", "a.log")
	if code, out := run(t, "write", "--count=2", "--every=1ms", file); code != 0 {
		t.Fatal(out)
	}
	var out bytes.Buffer
	s := shipper{folder: filepath.Dir(file), prefix: "web: ", out: &out, read: map[string]int64{}}
	for _, more := range []string{"half", " a line\nand", ""} {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, more)
		f.Close()
		if err := s.ship(); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff("web: a.log: line 1\nweb: a.log: line 2\nweb: a.log: half a line\n", out.String()); d != "" {
		t.Errorf("printed (-want +got):\n%s", d)
	}
}

// served is a server of every kind, and where it listens.
func served(t *testing.T) (at map[string]string, end func() error) {
	t.Helper()
	s := newServer(slog.New(slog.NewTextHandler(t.Output(), nil)))
	at = map[string]string{}
	for name, open := range map[string]func(net.Listener) error{"http": s.http, "https": s.https, "tcp": s.tcp, "grpc": s.grpc} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := open(l); err != nil {
			t.Fatal(err)
		}
		at[name] = l.Addr().String()
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	t.Cleanup(cancel)
	return at, func() error { cancel(); return <-ended }
}

func do(t *testing.T, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// answers says whether a probe of each kind is answered within a second or so.
func answers(t *testing.T, at map[string]string) map[string]bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	got := map[string]bool{}
	for _, path := range []string{"livez", "readyz", "startupz"} {
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://"+at["http"]+"/"+path, nil)
		resp, err := http.DefaultClient.Do(req)
		if got[path] = err == nil; err == nil {
			resp.Body.Close()
		}
	}
	conn, err := grpc.NewClient(at["grpc"], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = health.NewHealthClient(conn).Check(ctx, &health.HealthCheckRequest{Service: "app"}, grpc.WaitForReady(true))
	got["grpc"] = err == nil
	tcp, err := net.Dial("tcp", at["tcp"])
	if got["tcp"] = err == nil; err == nil {
		tcp.Close()
	}
	return got
}

func TestProbesHangOnCommand(t *testing.T) {
	at, end := served(t)
	all := map[string]bool{"livez": true, "readyz": true, "startupz": true, "grpc": true, "tcp": true}
	if d := cmp.Diff(all, answers(t, at)); d != "" {
		t.Fatalf("before (-want +got):\n%s", d)
	}
	if code, body := do(t, "POST", "http://"+at["http"]+"/hang?probe=sick"); code != 400 || !strings.Contains(body, "wanted one of livez") {
		t.Errorf("an unknown probe: status %d, %q", code, body)
	}
	do(t, "POST", "http://"+at["http"]+"/hang")
	if d := cmp.Diff(map[string]bool{"livez": false, "readyz": false, "startupz": false, "grpc": false, "tcp": false}, answers(t, at)); d != "" {
		t.Errorf("hanging (-want +got):\n%s", d)
	}
	do(t, "DELETE", "http://"+at["http"]+"/hang")
	all["tcp"] = false
	if d := cmp.Diff(all, answers(t, at)); d != "" {
		t.Errorf("after (-want +got):\n%s", d)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestServe(t *testing.T) {
	at, _ := served(t)
	base := "http://" + at["http"]
	for path, want := range map[string]string{
		"/": "asked as " + at["http"] + " from 127.0.0.1:", "/slow?for=1ms": "after 1ms\n", "/slow?for=soon": "wanted a duration",
		"/fetch?url=" + base + "/readyz": "ok\n", "/metrics": `app_requests_total{path="GET /readyz"} 1`,
	} {
		if path == "/metrics" {
			do(t, "GET", base+"/readyz")
			want = `app_requests_total{path="GET /readyz"}`
		}
		if _, body := do(t, "GET", base+path); !strings.Contains(body, want) {
			t.Errorf("%s: %q, want %q", path, body, want)
		}
	}
	if code, out := run(t, "get", "https://"+at["https"]+"/livez"); code != 0 || out != "ok\n" {
		t.Errorf("https: status %d, %q", code, out)
	}
	conn, err := net.Dial("tcp", at["tcp"])
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "hello")
	conn.(*net.TCPConn).CloseWrite()
	if echo, err := io.ReadAll(conn); string(echo) != "hello" {
		t.Errorf("tcp: %q, %v", echo, err)
	}
}

// An answer that breaks off is passed on as one that does.
func TestFetchBreaksOffWhereTheAnswerDoes(t *testing.T) {
	at, _ := served(t)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer broken.Close()
	resp, err := http.Get("http://" + at["http"] + "/fetch?url=" + broken.URL)
	if err != nil {
		return // It broke off before there was a header.
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q, want it to break off", body)
	}
}

// The answer that has begun is finished, when the server is told to stop.
func TestStoppingAnswersWhatWasAsked(t *testing.T) {
	at, end := served(t)
	resp, err := http.Get("http://" + at["http"] + "/slow?for=300ms")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := end(); err != nil {
		t.Error(err)
	}
	if body, err := io.ReadAll(resp.Body); string(body) != "after 300ms\n" {
		t.Errorf("%q, %v", body, err)
	}
}

func TestExitOnCommand(t *testing.T) {
	s := newServer(slog.New(slog.DiscardHandler))
	for code, want := range map[string]error{"3": status(3), "0": nil} {
		s.exit(httptest.NewRecorder(), httptest.NewRequest("POST", "/exit?code="+code, nil))
		if err := s.run(t.Context()); err != want {
			t.Errorf("code %s: %v, want %v", code, err, want)
		}
	}
}
