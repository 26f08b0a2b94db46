package chart_test

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"outrigger.dev/outrigger/internal/check"
	"outrigger.dev/outrigger/test/e2e/injector"
)

// checkOf is what a check of an installation finds.
func checkOf(t *testing.T, revision string) []check.Finding {
	t.Helper()
	c, err := check.Connect(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	return c.Check(within(t), check.Installation{Namespace: injector.Namespace, Revision: revision})
}

// The whole way of a canary: answered by a server that works, and without the entry by a
// pod as any other; and once the server is gone that is what the check says.
func TestCheckGoesAllTheWay(t *testing.T) {
	for revision, values := range map[string][]string{
		"asked-by-canary": {"canary.enabled=true"}, "asked-by-pod": nil,
	} {
		t.Run(revision, func(t *testing.T) {
			options := injector.Options{Revision: revision, Logs: t.TempDir(), Values: values}
			if values != nil {
				options.Args = []string{"--canary"}
			}
			i, err := injector.Install(within(t), cluster, helms["Helm 4"], options)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = i.Uninstall(within(t)) })
			for _, f := range checkOf(t, revision) {
				if f.Level != check.OK {
					t.Errorf("of one that works: %+v", f)
				}
			}
			if values != nil {
				metrics, err := i.Metrics(within(t))
				if err != nil || !strings.Contains(metrics, `outrigger_canary_calls_total{result=`) {
					t.Errorf("the server's own canary has not asked: %v", err)
				}
			}
			if err := i.Stop(); err != nil {
				t.Fatal(err)
			}
			wantFinding(t, revision, "canary", "refused")
		})
	}
}

// wantFinding wants a check to have one error, and that for this reason.
func wantFinding(t *testing.T, revision, of, reason string) {
	t.Helper()
	for _, f := range checkOf(t, revision) {
		if f.Check != of {
			continue
		}
		if f.Level != check.Error || f.Reason != reason || f.Cure == "" {
			t.Errorf("got %+v, want the error %s with a cure", f, reason)
		}
		return
	}
	t.Errorf("there is no finding of check %s", of)
}

// What the API server says of servers that it does not reach is told apart, in its own
// words of this version.
func TestCheckSaysWhyTheServerIsNotReached(t *testing.T) {
	const revision = "unreached"
	silent := listen(t, func(net.Conn) {})
	cutting := listen(t, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); c.Close() })
	plain := listen(t, func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.0 400 Bad Request\r\n\r\n")); c.Close() })
	certificates := t.TempDir()
	trusted := writePair(t, certificates)
	pair, err := tls.LoadX509KeyPair(filepath.Join(certificates, "tls.crt"), filepath.Join(certificates, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	faulty := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	faulty.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	faulty.Config.ErrorLog = log.New(io.Discard, "", 0) // it is refused on purpose
	faulty.StartTLS()
	t.Cleanup(faulty.Close)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone.Close()
	_, faultyPort, _ := net.SplitHostPort(faulty.Listener.Addr().String())

	for sentence, tc := range map[string]struct{ url, bundle, reason string }{
		"nobody listens":                {"https://" + gone.Addr().String(), trusted, "refused"},
		"a firewall drops what is sent": {"https://" + silent, trusted, "timeout"},
		"a proxy cuts the connection":   {"https://" + cutting, trusted, "reset"},
		"somebody speaks plain HTTP":    {"https://" + plain, trusted, "not-tls"},
		"another authority":             {faulty.URL, writePair(t, t.TempDir()), "wrong-ca"},
		"another name":                  {"https://localhost:" + faultyPort, trusted, "wrong-name"},
		"a fault of the server's":       {faulty.URL, trusted, "server-error"},
	} {
		t.Run(sentence, func(t *testing.T) {
			timeout := "30" // on a machine that is busy everything takes its time
			if tc.reason == "timeout" {
				timeout = "1"
			}
			helm(t, helms["Helm 4"], "upgrade", "--install", release, filepath.Join(helms["Helm 4"].Root, "charts", "outrigger"),
				"--namespace", injector.Namespace, "--set", "revision="+revision, "--set", "canary.enabled=true", "--set", "webhook.timeoutSeconds="+timeout,
				"--set", "webhook.url="+tc.url, "--set", "certificates.mode=existingSecret", "--set", "certificates.existingSecret.name=any",
				"--set", "certificates.existingSecret.caBundle="+tc.bundle)
			wantFinding(t, revision, "canary", tc.reason)
		})
	}
	helm(t, helms["Helm 4"], "uninstall", release, "--namespace", injector.Namespace)
}

// listen does something with every connection, and returns the address.
func listen(t *testing.T, with func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open = append(open, c)
			with(c)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
		for _, c := range open {
			c.Close()
		}
	})
	return l.Addr().String()
}
