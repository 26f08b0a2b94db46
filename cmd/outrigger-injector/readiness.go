package main

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"outrigger.dev/outrigger/internal/cluster"
)

// A report is what a check found: Ready, and where it is not, Why. The rest is
// for people, and only there where it has something to say.
type report struct {
	Ready bool   `json:"ready"`
	Why   string `json:"why,omitempty"`

	Expires     *time.Time        `json:"expires,omitempty"`
	Hash        string            `json:"hash,omitempty"`
	From        string            `json:"from,omitempty"`
	Since       *time.Time        `json:"since,omitempty"`
	Refused     string            `json:"refused,omitempty"`
	Quarantined map[string]string `json:"quarantined,omitempty"`
}

// reportOf is ready without an error.
func reportOf(err error) report {
	if err != nil {
		return report{Why: err.Error()}
	}
	return report{Ready: true}
}

// readiness answers /readyz: 200 if pods get what they should from us, else 503,
// and in either case with the reports of all checks as JSON.
type readiness struct {
	checks   map[string]func() report
	draining atomic.Bool
}

// drain makes the server not ready for the rest of its life.
func (r *readiness) drain() { r.draining.Store(true) }

func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	type body struct {
		Ready  bool              `json:"ready"`
		Checks map[string]report `json:"checks"`
	}
	all := body{Ready: !r.draining.Load(), Checks: map[string]report{}}
	if r.draining.Load() {
		all.Checks["running"] = report{Why: "the server is stopping"}
	}
	for name, check := range r.checks {
		found := check()
		all.Checks[name] = found
		all.Ready = all.Ready && found.Ready
	}
	w.Header().Set("Content-Type", "application/json")
	if !all.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(all) // the probe has gone, then
}

// A certificate is what serves TLS, by an own authority or from files.
type certificate interface {
	GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Ready is nil where callers accept what is served.
	Ready(now time.Time) error
}

// checkCertificate reports whether there is a certificate to serve.
func checkCertificate(c certificate) func() report {
	return func() report {
		pair, err := c.GetCertificate(nil)
		found := reportOf(err)
		if err == nil && pair.Leaf != nil {
			found.Expires = &pair.Leaf.NotAfter
		}
		return found
	}
}

// trustCheck is the name of [checkTrust]: what it looks at is the CA bundle that
// the API server has, where we write it, and else the files themselves.
func trustCheck(certificates string) string {
	if certificates == fromFiles {
		return "certificateFiles"
	}
	return "caBundle"
}

// checkTrust reports whether callers will accept the certificate.
func checkTrust(c certificate) func() report {
	return func() report { return reportOf(c.Ready(time.Now())) }
}

// checkListening reports whether the webhook can be called, by calling it. It does
// not while there is no certificate: that would only fill the log.
func checkListening(call func() error, c certificate) func() report {
	return func() report {
		if _, err := c.GetCertificate(nil); err != nil {
			return reportOf(err)
		}
		return reportOf(call())
	}
}

// checkCaches reports what of the cluster is not known yet.
func checkCaches(synced map[string]func() bool) func() report {
	return func() report {
		var missing []string
		for _, name := range slices.Sorted(maps.Keys(synced)) {
			if !synced[name]() {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return reportOf(errors.New("not read yet: " + strings.Join(missing, ", ")))
		}
		return report{Ready: true}
	}
}

// checkConfiguration reports which configuration is in force. One that serves
// from an older version is ready, and says so.
func checkConfiguration(state func() cluster.State) func() report {
	return func() report {
		s := state()
		if s.Injector == nil {
			return reportOf(s.Refused)
		}
		found := report{Ready: true, Hash: s.Injector.Hash(), From: s.From, Since: &s.Since}
		if s.Refused != nil {
			found.Refused = s.Refused.Error()
		}
		return found
	}
}

// checkTemplates reports whether there are templates, and which are kept out.
func checkTemplates(state func() cluster.State) func() report {
	return func() report {
		s := state()
		if s.Injector == nil {
			return reportOf(errors.New("no configuration is in force"))
		}
		found := report{Ready: true}
		for name, err := range s.Injector.Quarantined() {
			if found.Quarantined == nil {
				found.Quarantined = map[string]string{}
			}
			found.Quarantined[name] = err.Error()
		}
		return found
	}
}
