package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadyzSaysWhichCheckIsNotReady(t *testing.T) {
	well := func() report { return report{Ready: true, Hash: "0123456789ab", From: "files"} }
	unwell := checkCaches(map[string]func() bool{
		"nodes": func() bool { return false }, "namespaces": func() bool { return true }, "more": func() bool { return false },
	})
	for name, c := range map[string]struct {
		checks   map[string]func() report
		draining bool
		code     int
		body     string
	}{
		"all are well": {
			checks: map[string]func() report{"configuration": well, "caBundle": func() report { return reportOf(nil) }},
			code:   http.StatusOK,
			body: `{
  "ready": true,
  "version": "1.2.3",
  "checks": {
    "caBundle": {
      "ready": true
    },
    "configuration": {
      "ready": true,
      "hash": "0123456789ab",
      "from": "files"
    }
  }
}
`,
		},
		"one is not": {
			checks: map[string]func() report{"caches": unwell},
			code:   http.StatusServiceUnavailable,
			body: `{
  "ready": false,
  "version": "1.2.3",
  "checks": {
    "caches": {
      "ready": false,
      "why": "not read yet: more, nodes",
      "since": "2000-01-01T00:00:00Z"
    }
  }
}
`,
		},
		"stopping": {
			draining: true,
			code:     http.StatusServiceUnavailable,
			body: `{
  "ready": false,
  "version": "1.2.3",
  "checks": {
    "running": {
      "ready": false,
      "why": "the server is stopping",
      "since": "2000-01-01T00:00:00Z"
    }
  }
}
`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &readiness{version: "1.2.3", checks: c.checks}
				if c.draining {
					r.drain()
				}
				for range 2 { // what was not ready has not been so for longer now
					w := httptest.NewRecorder()
					healthMux(r).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
					if w.Code != c.code {
						t.Errorf("code %d, want %d", w.Code, c.code)
					}
					if diff := cmp.Diff(c.body, w.Body.String()); diff != "" {
						t.Errorf("body (-want +got):\n%s", diff)
					}
					time.Sleep(time.Minute)
				}
			})
		})
	}
}

func TestHealthzIsWellWhateverReadyzSays(t *testing.T) {
	r := &readiness{checks: map[string]func() report{"x": func() report { return reportOf(errors.New("broken")) }}}
	w := httptest.NewRecorder()
	healthMux(r).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	if w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("got %d %q, want 200 ok", w.Code, w.Body.String())
	}
}
