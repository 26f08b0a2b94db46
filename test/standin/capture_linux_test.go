package standin_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// usual are the arguments of the sidecar template, after which later ones win.
func usual(more ...string) []string {
	return append([]string{"-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT",
		"-i", "*", "-x", "", "-b", "*", "-d", "15090,15021,15020", "--log_output_level=default:info"}, more...)
}

// Connections are made, and nothing but the wanted ones may have been counted.
func TestCapture(t *testing.T) {
	p := newPod(t)
	p.inside.serve(t, 8080)
	p.outside.serve(t, 9090)
	p.proxy(t)
	const (
		app     = "http://" + podAddress + ":8080/"
		app6    = "http://[" + podAddress6 + "]:8080/"
		server  = "http://" + outsideAddress + ":9090/"
		server6 = "http://[" + outsideAddress6 + "]:9090/"
		far     = "http://" + farAddress + ":9090/"
		far6    = "http://[" + farAddress6 + "]:9090/"
	)
	in, out, none := map[string]int{"inbound 8080": 1}, map[string]int{"outbound 9090": 1}, map[string]int{}
	for sentence, c := range map[string]struct {
		args []string
		from *space
		user uint32
		url  string
		// as is the address that the server sees.
		as   string
		want map[string]int
	}{
		"inbound is captured, and reaches the application from 127.0.0.6": {nil, p.outside, appUser, app, "127.0.0.6", in},
		"inbound is captured over IPv6, from ::6":                         {nil, p.outside, appUser, app6, "[::6]", in},
		"an excluded inbound port is not":                                 {[]string{"-d", "15020,8080"}, p.outside, appUser, app, outsideAddress, none},
		"an excluded inbound port is not over IPv6":                       {[]string{"-d", "15020,8080"}, p.outside, appUser, app6, "[" + outsideAddress6 + "]", none},
		"an included inbound port is":                                     {[]string{"-b", "80,8080"}, p.outside, appUser, app, "127.0.0.6", in},
		"other inbound ports are not where some are included":             {[]string{"-b", "80"}, p.outside, appUser, app, outsideAddress, none},
		"no inbound port is where none is included":                       {[]string{"-b", ""}, p.outside, appUser, app, outsideAddress, none},
		"an excluded interface is not, inbound":                           {[]string{"-c", "eth0"}, p.outside, appUser, app, outsideAddress, none},

		"outbound is captured":                                     {nil, p.inside, appUser, server, podAddress, out},
		"outbound is captured over IPv6":                           {nil, p.inside, appUser, server6, "[" + podAddress6 + "]", out},
		"root's outbound is captured":                              {nil, p.inside, 0, server, podAddress, out},
		"the proxy's user is not":                                  {nil, p.inside, proxyUser, server, podAddress, none},
		"the proxy's user is not over IPv6":                        {nil, p.inside, proxyUser, server6, "[" + podAddress6 + "]", none},
		"another user that is exempt is not":                       {[]string{"-u", "1337,1000"}, p.inside, appUser, server, podAddress, none},
		"an exempt group is not":                                   {[]string{"-u", "1337", "-g", "1000"}, p.inside, appUser, server, podAddress, none},
		"an excluded range is not":                                 {[]string{"-x", "10.77.0.0/24"}, p.inside, appUser, server, podAddress, none},
		"an excluded range of IPv6 is not":                         {[]string{"-x", "10.77.0.0/24,fd77::/64"}, p.inside, appUser, server6, "[" + podAddress6 + "]", none},
		"another range is, beside an excluded one":                 {[]string{"-x", "10.77.0.0/24"}, p.inside, appUser, far, podAddress, out},
		"another range of IPv6 is, beside an excluded one":         {[]string{"-x", "fd77::/64"}, p.inside, appUser, far6, "[" + podAddress6 + "]", out},
		"an included range is":                                     {[]string{"-i", "10.99.0.0/16"}, p.inside, appUser, far, podAddress, out},
		"another range is not, beside an included one":             {[]string{"-i", "10.99.0.0/16"}, p.inside, appUser, server, podAddress, none},
		"a range that is excluded within an included one is not":   {[]string{"-i", "10.0.0.0/8", "-x", "10.99.0.1/32"}, p.inside, appUser, far, podAddress, none},
		"no range is where none is included":                       {[]string{"-i", ""}, p.inside, appUser, server, podAddress, none},
		"an included port is where no range is":                    {[]string{"-i", "", "-q", "9090"}, p.inside, appUser, server, podAddress, out},
		"another port is not where no range is":                    {[]string{"-i", "", "-q", "443"}, p.inside, appUser, server, podAddress, none},
		"an excluded outbound port is not":                         {[]string{"-o", "25,9090"}, p.inside, appUser, server, podAddress, none},
		"an excluded interface is not, outbound":                   {[]string{"-c", "eth0"}, p.inside, appUser, server, podAddress, none},
		"the application to localhost is not":                      {nil, p.inside, appUser, "http://127.0.0.1:8080/", "127.0.0.1", none},
		"the application to localhost is not over IPv6":            {nil, p.inside, appUser, "http://[::1]:8080/", "[::1]", none},
		"the application to its own pod is not":                    {nil, p.inside, appUser, app, podAddress, none},
		"the proxy to its own pod is inbound":                      {nil, p.inside, proxyUser, app, "127.0.0.6", in},
		"the proxy to its own pod is inbound over IPv6":            {nil, p.inside, proxyUser, app6, "[::6]", in},
		"inbound by a rerouted interface is outbound":              {[]string{"-k", "eth0"}, p.outside, appUser, app, "127.0.0.6", map[string]int{"outbound 8080": 1, "inbound 8080": 1}},
		"a rerouted interface's connections out of range are left": {[]string{"-k", "eth0", "-i", "10.99.0.0/16"}, p.outside, appUser, app, outsideAddress, none},
	} {
		t.Run(sentence, func(t *testing.T) {
			p.iptables(t, usual(c.args...)...)
			before := p.counted(t)
			answer, code := c.from.run(t, c.user, "app", "get", c.url)
			if code != 0 || !strings.Contains(answer, "from "+c.as+":") {
				t.Errorf("status %d, %q, want an answer to %s", code, answer, c.as)
			}
			if d := cmp.Diff(c.want, p.since(t, before)); d != "" {
				t.Errorf("counted (-want +got):\n%s", d)
			}
		})
	}
}

// With interceptionMode NONE the template has no init container, so no rules are
// set, and the proxy is there all the same.
func TestNoneIsNotCaptured(t *testing.T) {
	p := newPod(t)
	p.inside.serve(t, 8080)
	p.proxy(t, "ISTIO_META_INTERCEPTION_MODE=NONE")
	answer, code := p.outside.run(t, appUser, "app", "get", "http://"+podAddress+":8080/")
	if code != 0 || !strings.Contains(answer, "from "+outsideAddress) {
		t.Errorf("status %d: %s", code, answer)
	}
	if d := cmp.Diff(map[string]int{}, p.counted(t)); d != "" {
		t.Errorf("counted (-want +got):\n%s", d)
	}
	// Who connects to the proxy itself is turned away, and not in a circle.
	if answer, code := p.outside.run(t, appUser, "app", "get", "http://"+podAddress+":15006/"); code != 1 {
		t.Errorf("to the proxy's port: status %d: %s", code, answer)
	}
}

func TestRulesTakeNetAdminAlone(t *testing.T) {
	p := newPod(t)
	with := command(t.Context(), appUser, nil, append([]string{"pilot-agent", "istio-iptables"}, usual()...)...)
	with.SysProcAttr.AmbientCaps = []uintptr{12 /* CAP_NET_ADMIN */, 13 /* CAP_NET_RAW */}
	if out, code := p.inside.finish(t, with); code != 0 {
		t.Errorf("with NET_ADMIN and NET_RAW: status %d: %s", code, out)
	}
	out, code := p.inside.run(t, appUser, append([]string{"pilot-agent", "istio-iptables"}, usual()...)...)
	if code != 1 || !strings.Contains(out, "wanted the capability NET_ADMIN") {
		t.Errorf("without: status %d: %s", code, out)
	}
}

func TestValidation(t *testing.T) {
	p := newPod(t)
	validate := append([]string{"pilot-agent", "istio-iptables"}, usual("--run-validation", "--skip-rule-apply")...)
	out, code := p.inside.run(t, proxyUser, validate...)
	if code != 126 || !strings.Contains(out, podAddress+":15002: not redirected to the proxy") {
		t.Errorf("without rules: status %d: %s", code, out)
	}
	p.iptables(t, usual()...)
	if out, code := p.inside.run(t, proxyUser, validate...); code != 0 {
		t.Errorf("with rules: status %d: %s", code, out)
	}
}

// A request is in flight when the pod is deleted: the hook asks for a drain, the
// kubelet tells the sidecar to stop, and the answer still arrives.
func TestDrainKeepsWhatIsInFlight(t *testing.T) {
	p := newPod(t)
	p.inside.serve(t, 8080)
	p.iptables(t, usual()...)
	proxy := p.proxy(t, `PROXY_CONFIG={"terminationDrainDuration":"60s"}`)
	var conn net.Conn
	var err error
	p.outside.in(func() { conn, err = net.Dial("tcp", podAddress+":8080") })
	check(t, err)
	io.WriteString(conn, "GET /slow?for=2s HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	check(t, err)
	if out, code := p.inside.run(t, proxyUser, "pilot-agent", "request", "--debug-port=15020", "POST", "drain"); code != 0 {
		t.Fatalf("drain: %s", out)
	}
	check(t, proxy.cmd.Process.Signal(syscall.SIGTERM))
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "after 2s\n" {
		t.Errorf("answer %q, %v", body, err)
	}
	conn.Close()
	if code := proxy.exited(t); code != 0 {
		t.Errorf("status %d, want 0", code)
	}
	if want := "broken=0"; !strings.Contains(proxy.said(), want) {
		t.Errorf("the proxy did not say %s", want)
	}
}

// The kubelet asks the status port, from outside. What the agent asks the
// application for is not the application's traffic.
func TestProbesAreNotCounted(t *testing.T) {
	p := newPod(t)
	p.inside.serve(t, 8080, "--grpc", "9000")
	p.iptables(t, usual()...)
	p.proxy(t, `ISTIO_KUBE_APP_PROBERS={"/app-health/web/livez":{"grpc":{"port":9000,"service":"app"}},"/app-health/web/readyz":{"httpGet":{"path":"/readyz","port":8080}}}`,
		`ISTIO_PROMETHEUS_ANNOTATIONS={"scrape":"true","path":"","port":"8080"}`)
	before := p.counted(t)
	for path, want := range map[string]string{
		"/app-health/web/readyz": "ok\n", "/app-health/web/livez": "", "/healthz/ready": "", "/stats/prometheus": "app_requests_total{",
	} {
		out, code := p.outside.run(t, appUser, "app", "get", "http://"+podAddress+":15020"+path)
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%s: status %d, %q, want %q", path, code, out, want)
		}
	}
	if d := cmp.Diff(map[string]int{}, p.since(t, before)); d != "" {
		t.Errorf("counted (-want +got):\n%s", d)
	}
	if out, code := p.outside.run(t, appUser, "app", "get", "http://"+podAddress+":15020/quitquitquit"); code != 1 {
		t.Errorf("GET /quitquitquit: status %d: %s", code, out)
	}
}
