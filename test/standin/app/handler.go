package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// handler serves:
//
//	GET /                     who answers, and from where it was asked
//	GET /livez, /readyz, /startupz   "ok", unless made to hang
//	GET /slow?for=5s          an answer that takes so long
//	GET /fetch?url=URL        what the application is answered there
//	GET /metrics              app_requests_total{path}
//	POST /hang?probe=NAME     make a probe hang (livez, readyz, startupz, grpc, tcp), or all
//	DELETE /hang              let them answer again; a closed TCP port stays closed
//	POST /exit?code=N         end with a status
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /{$}": s.hello, "GET /slow": s.slow, "GET /fetch": s.fetch,
		"POST /hang": s.hang, "DELETE /hang": s.unhang, "POST /exit": s.exit,
	} {
		mux.HandleFunc(pattern, handle)
	}
	for _, probe := range []string{"livez", "readyz", "startupz"} {
		mux.HandleFunc("GET /"+probe, func(w http.ResponseWriter, r *http.Request) {
			if s.gate.pass(r.Context(), probe) == nil {
				fmt.Fprintln(w, "ok")
			}
		})
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	return s.noted(mux)
}

// noted counts requests, by the path of their handler, and logs them.
func (s *server) noted(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.Handler(r)
		if pattern == "" {
			pattern = "unknown"
		}
		s.requests.WithLabelValues(pattern).Inc()
		mux.ServeHTTP(w, r)
		s.log.Info("request", "method", r.Method, "path", r.URL.Path, "from", r.RemoteAddr)
	})
}

func (s *server) hello(w http.ResponseWriter, r *http.Request) {
	name, err := os.Hostname()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "hello from %s\nasked as %s from %s\n", name, r.Host, r.RemoteAddr)
}

func (s *server) slow(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.FormValue("for"))
	if err != nil || d < 0 || d > slowest {
		http.Error(w, fmt.Sprintf("for=%q: wanted a duration up to %s", r.FormValue("for"), slowest), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK)
	http.NewResponseController(w).Flush() // Who asks knows now that the answer has begun.
	if pause(r.Context(), d) == nil {
		fmt.Fprintf(w, "after %s\n", d)
	}
}

func (s *server) fetch(w http.ResponseWriter, r *http.Request) {
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, r.FormValue("url"), nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	resp, err := client.Do(ask)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		panic(http.ErrAbortHandler) // An answer that broke off is passed on as one.
	}
}

func (s *server) hang(w http.ResponseWriter, r *http.Request) {
	if err := s.hangs(r.FormValue("probe")); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (s *server) unhang(http.ResponseWriter, *http.Request) { s.gate.release() }

func (s *server) exit(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.ParseUint(r.FormValue("code"), 10, 8)
	if err != nil {
		http.Error(w, fmt.Sprintf("code=%q: wanted a number from 0 to 255", r.FormValue("code")), http.StatusBadRequest)
		return
	}
	if code == 0 {
		s.end(nil)
		return
	}
	s.end(status(code))
}
