package agent

// Internal: tests ask for any free port, which no environment can.

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// start runs an agent with the environment, on free ports.
func start(t *testing.T, role string, env map[string]string) (*Agent, func() error) {
	t.Helper()
	config, err := Load(role, func(name string) string { return env[name] }, emptyFS{})
	if err != nil {
		t.Fatal(err)
	}
	config.Ports = Ports{}
	a, err := Start(config, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	stop, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(stop) }()
	end := func() error { cancel(); return <-ended }
	t.Cleanup(func() { a.quit(); cancel() })
	return a, end
}

func ask(t *testing.T, a *Agent, method, port, path string, header http.Header) (int, string) {
	t.Helper()
	_, number, _ := net.SplitHostPort(a.Addr(port).String())
	req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1:"+number+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Host
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// application answers as a test wants: /status/N, /echo with what it was asked,
// and /hang never.
func application(t *testing.T) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.Header().Set("Location", "/hang")
		w.WriteHeader(code)
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s", r.Host, r.Header.Get("X-Probe"), r.URL.RawQuery)
	})
	mux.HandleFunc("/hang", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return mux
}

func TestProbes(t *testing.T) {
	plain := httptest.NewServer(application(t))
	defer plain.Close()
	secure := httptest.NewTLSServer(application(t))
	defer secure.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	healths := health.NewServer()
	healths.SetServingStatus("sick", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, healths)
	go server.Serve(listener)
	defer server.Stop()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()

	probers := strings.NewReplacer("HTTPS", portOf(t, secure.URL), "HTTP", portOf(t, plain.URL),
		"GRPC", portOf(t, listener.Addr().String()), "GONE", portOf(t, gone.Addr().String())).Replace(`{
		"/app-health/good/readyz":   {"httpGet": {"path": "/status/204", "port": HTTP}},
		"/app-health/bad/readyz":    {"httpGet": {"path": "/status/503", "port": HTTP, "scheme": "http"}},
		"/app-health/moved/readyz":  {"httpGet": {"path": "status/302", "port": HTTP}},
		"/app-health/echo/readyz":   {"httpGet": {"path": "/echo?a=b", "port": HTTP}},
		"/app-health/hangs/readyz":  {"httpGet": {"path": "/hang", "port": HTTP}, "timeoutSeconds": 1},
		"/app-health/gone/readyz":   {"httpGet": {"path": "/", "port": GONE}},
		"/app-health/secure/readyz": {"httpGet": {"path": "/status/200", "port": HTTPS, "scheme": "https"}},
		"/app-health/good/startupz": {"tcpSocket": {"port": HTTP}},
		"/app-health/gone/startupz": {"tcpSocket": {"port": GONE}},
		"/app-health/good/livez":    {"grpc": {"port": GRPC}, "timeoutSeconds": 5},
		"/app-health/sick/livez":    {"grpc": {"port": GRPC, "service": "sick"}, "timeoutSeconds": 5},
		"/app-health/none/livez":    {"grpc": {"port": GRPC, "service": "none"}, "timeoutSeconds": 5},
		"/app-health/gone/livez":    {"grpc": {"port": GONE}, "timeoutSeconds": 5},
		"/app-lifecycle/good/prestopz": {"httpGet": {"path": "/status/200", "port": HTTP}}
	}`)
	a, _ := start(t, "router", map[string]string{"ISTIO_KUBE_APP_PROBERS": strings.ReplaceAll(probers, `"https"`, `"HTTPS"`)})
	for path, want := range map[string]int{
		"/app-health/good/readyz": 204, "/app-health/bad/readyz": 503, "/app-health/moved/readyz": 200,
		"/app-health/hangs/readyz": 500, "/app-health/gone/readyz": 500, "/app-health/secure/readyz": 200,
		"/app-health/good/startupz": 200, "/app-health/gone/startupz": 500,
		"/app-health/good/livez": 200, "/app-health/sick/livez": 500, "/app-health/none/livez": 500, "/app-health/gone/livez": 500,
		"/app-lifecycle/good/prestopz": 200, "/app-health/nobody/livez": 400, "/app-health/": 400,
	} {
		if code, body := ask(t, a, "GET", "status", path, nil); code != want {
			t.Errorf("%s: status %d, want %d (%s)", path, code, want, body)
		}
	}
	header := http.Header{"X-Probe": {"yes"}, "Host": {"shop.example"}}
	if _, body := ask(t, a, "GET", "status", "/app-health/echo/readyz", header); body != "shop.example yes a=b" {
		t.Errorf("the application was asked %q", body)
	}
}

func TestMetricsAreMerged(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/m" {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, "app_total 7")
	}))
	defer app.Close()
	port := portOf(t, app.URL)
	a, _ := start(t, "sidecar", map[string]string{"ISTIO_PROMETHEUS_ANNOTATIONS": fmt.Sprintf(
		`{"scrape":"true","path":"/m","port":%[1]q,"targets":[{"port":%[1]q,"path":"/m"},{"port":%[1]q,"path":"/none"}]}`, port)})
	code, body := ask(t, a, "GET", "status", "/stats/prometheus", nil)
	for _, want := range []string{"\napp_total 7\n", "\nstandin_draining 0\n", "\nstandin_scrape_failures_total 1\n"} {
		if code != 200 || !strings.Contains("\n"+body, want) {
			t.Errorf("status %d, no %q in:\n%s", code, want, body)
		}
	}
	if _, own := ask(t, a, "GET", "stats", "/stats/prometheus", nil); strings.Contains(own, "app_total") || !strings.Contains(own, "standin_draining") {
		t.Errorf("the proxy's own:\n%s", own)
	}
}

func TestReadiness(t *testing.T) {
	for sentence, c := range map[string]struct {
		role  string
		env   map[string]string
		ports []string
		proxy bool
	}{
		"a sidecar":      {"sidecar", nil, []string{"status", "ready"}, true},
		"a gateway":      {"router", nil, []string{"status", "ready"}, false},
		"an agent alone": {"sidecar", map[string]string{"DISABLE_ENVOY": "true"}, []string{"status"}, false},
	} {
		t.Run(sentence, func(t *testing.T) {
			a, _ := start(t, c.role, c.env)
			for _, port := range c.ports {
				if code, _ := ask(t, a, "GET", port, "/healthz/ready", nil); code != 200 {
					t.Errorf("%s: status %d", port, code)
				}
			}
			if (a.proxy != nil) != c.proxy {
				t.Errorf("proxy %v, want %v", a.proxy != nil, c.proxy)
			}
		})
	}
}

func TestQuit(t *testing.T) {
	a, end := start(t, "sidecar", map[string]string{"PROXY_CONFIG": `{"terminationDrainDuration":"3600s"}`})
	if code, _ := ask(t, a, "GET", "status", "/quitquitquit", nil); code != 405 {
		t.Errorf("GET: status %d, want 405", code)
	}
	if code, body := ask(t, a, "POST", "status", "/quitquitquit", nil); code != 200 || body != "OK" {
		t.Errorf("POST: status %d, %q", code, body)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestADrainThatWasAskedForEndsWithTheLastConnection(t *testing.T) {
	a, end := start(t, "sidecar", map[string]string{"PROXY_CONFIG": `{"terminationDrainDuration":"3600s"}`})
	if code, _ := ask(t, a, "POST", "status", "/drain", nil); code != 200 {
		t.Errorf("status %d", code)
	}
	if _, body := ask(t, a, "GET", "status", "/stats/prometheus", nil); !strings.Contains(body, "\nstandin_draining 1\n") {
		t.Error("it does not count as draining")
	}
	if err := end(); err != nil { // Nothing is open: at once, and not in an hour.
		t.Error(err)
	}
}

func TestOnlyThePodMayEndIt(t *testing.T) {
	for from, want := range map[string]int{"127.0.0.1:5": 200, "[::1]:5": 200, "10.0.0.1:5": 403, "nonsense": 403} {
		did := 0
		r := httptest.NewRequest("POST", "/drain", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		fromLoopback(func() { did++ }).ServeHTTP(w, r)
		if w.Code != want || (did == 1) != (want == 200) {
			t.Errorf("from %s: status %d, done %d times", from, w.Code, did)
		}
	}
}

// emptyFS is a container without files.
type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) { return nil, fs.ErrNotExist }
