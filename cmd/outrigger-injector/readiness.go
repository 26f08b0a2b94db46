package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/internal/cluster"
)

// A report is what a check found: Ready, and where it is not, Why. The rest is
// for people, and only there where it has something to say.
type report struct {
	Ready bool   `json:"ready"`
	Why   string `json:"why,omitempty"`

	// Since is when it came to be so: the configuration in force, or not ready.
	Since *time.Time `json:"since,omitempty"`

	Expires     *time.Time        `json:"expires,omitempty"`
	Phase       certs.Phase       `json:"phase,omitempty"`
	Waits       string            `json:"waits,omitempty"`
	Unchecked   string            `json:"unchecked,omitempty"`
	Hash        string            `json:"hash,omitempty"`
	From        string            `json:"from,omitempty"`
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
// and in either case with its version and the reports of all checks as JSON.
type readiness struct {
	version  string
	checks   map[string]func() report
	draining atomic.Bool

	mu sync.Mutex
	// since is from when on each check that is not ready has been found so.
	since map[string]time.Time
}

// drain makes the server not ready for the rest of its life.
func (r *readiness) drain() { r.draining.Store(true) }

func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	type body struct {
		Ready   bool              `json:"ready"`
		Version string            `json:"version"`
		Checks  map[string]report `json:"checks"`
	}
	all := body{Ready: !r.draining.Load(), Version: r.version, Checks: map[string]report{}}
	if r.draining.Load() {
		all.Checks["running"] = r.dated("running", report{Why: "the server is stopping"})
	}
	for name, check := range r.checks {
		found := r.dated(name, check())
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

// dated says of what is not ready since when it has been found so.
func (r *readiness) dated(name string, found report) report {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found.Ready {
		delete(r.since, name)
		return found
	}
	at, known := r.since[name]
	if !known {
		at = time.Now().UTC().Truncate(time.Second)
		if r.since == nil {
			r.since = map[string]time.Time{}
		}
		r.since[name] = at
	}
	found.Since = &at
	return found
}

// checkCertificate reports whether there is a certificate to serve, and what is
// wrong with a newer one. waits, if not nil, tells what whoever issues it waits for.
func checkCertificate(c certificate, waits func() string) func() report {
	return func() report {
		_, err := c.GetCertificate(nil)
		status := c.Status()
		if err != nil && status.Fault != nil {
			err = fmt.Errorf("%w: %w", err, status.Fault)
		}
		found := reportOf(err)
		if waits != nil {
			found.Waits = waits()
		}
		if status.Leaf != nil {
			found.Expires = &status.Leaf.NotAfter
			found.Phase = status.Phase
			if status.Fault != nil {
				found.Refused = status.Fault.Error()
			}
		}
		return found
	}
}

// checkTrust reports whether the API server will accept the certificate, by the CA
// bundle that it has now in every entry of our webhook configurations.
func checkTrust(c certificate) func() report {
	return func() report {
		found := reportOf(c.Ready(time.Now()))
		if unchecked := c.Status().Unchecked; unchecked != "" {
			found.Unchecked = "not checked: " + unchecked
		}
		return found
	}
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
