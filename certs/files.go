package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// look is how often mounted files are read again. A kubelet takes up to a minute
// to bring a changed Secret, so more often would gain nothing.
const look = 10 * time.Second

// Files serves a pair that somebody else puts into a folder, as a mounted Secret
// of type kubernetes.io/tls has it: tls.crt (the leaf first, then what lies
// between it and the authority) and tls.key. Where there is a ca.crt with
// something in it, the pair has to chain to it. Its fields are set before Run and
// not changed afterwards; its methods are safe for concurrent use.
type Files struct {
	Dir string
	Log *slog.Logger

	serving serving
}

// Run reads the files again and again until ctx ends; then it returns nil. What
// is wrong with them is logged once, and again when it changes.
func (f *Files) Run(ctx context.Context) error {
	var last string
	for {
		changed, err := f.Read(time.Now())
		switch {
		case err != nil && err.Error() != last:
			last = err.Error()
			f.Log.Warn("certificate files are not usable", "err", err)
		case err == nil:
			last = ""
		}
		if changed {
			f.Log.Info("serving certificate read", "expires", f.serving.certificate().Leaf.NotAfter)
		}
		if !pause(ctx, look) {
			return nil
		}
	}
}

// Read looks at the files once and serves them if they differ from what is
// served and are good at now. A pair that is not leaves the last good one in
// place.
func (f *Files) Read(now time.Time) (changed bool, err error) {
	defer func() { f.serving.blame(err) }()
	pair, err := f.pair(now)
	if err != nil {
		return false, err
	}
	if old := f.serving.certificate(); old != nil && slices.EqualFunc(old.Certificate, pair.Certificate, bytes.Equal) {
		return false, nil
	}
	f.serving.serve(pair)
	return true, nil
}

// GetCertificate is for tls.Config. Before a good pair was read it gives an error.
func (f *Files) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.serving.get()
}

// Ready is nil when a pair is served that has not expired at now, and otherwise
// says what is wrong with the files.
func (f *Files) Ready(now time.Time) error {
	return f.serving.ready(func(leaf *tls.Certificate) error {
		if reason := outside(leaf.Leaf, now); reason != "" {
			return fmt.Errorf("serving certificate: %s", reason)
		}
		return nil
	})
}

// pair reads the files and judges them.
func (f *Files) pair(now time.Time) (*tls.Certificate, error) {
	certPath, keyPath := filepath.Join(f.Dir, "tls.crt"), filepath.Join(f.Dir, "tls.key")
	cert, err := os.ReadFile(certPath)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(f.Dir, "ca.crt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%q and %q: %w", certPath, keyPath, err)
	}
	trusted, err := ParseBundle(ca)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", filepath.Join(f.Dir, "ca.crt"), err)
	}
	reason := outside(pair.Leaf, now)
	switch {
	case reason != "":
		return nil, fmt.Errorf("%q: %s", certPath, reason)
	case len(pair.Leaf.DNSNames)+len(pair.Leaf.IPAddresses) == 0:
		return nil, fmt.Errorf("%q: has no subject alternative names, want the name that the API server calls", certPath)
	case len(trusted) > 0:
		if err := trusted.Verify(&pair, now); err != nil {
			return nil, fmt.Errorf("%q: %w", certPath, err)
		}
	}
	return &pair, nil
}
