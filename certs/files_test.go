package certs_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"outrigger.dev/outrigger/certs"
)

// folder is a mounted Secret: write replaces all of its files at once.
type folder struct {
	t   *testing.T
	dir string
}

func (f folder) write(files map[string][]byte) {
	f.t.Helper()
	for _, name := range []string{"tls.crt", "tls.key", "ca.crt"} {
		path := filepath.Join(f.dir, name)
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			f.t.Fatal(err)
		}
		if text, ok := files[name]; ok {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				f.t.Fatal(err)
			}
		}
	}
}

func issue(t *testing.T, a *certs.Authority, now time.Time, life time.Duration) (cert, key []byte) {
	t.Helper()
	leaf, err := a.Issue(now, certs.ServiceNames("outrigger-injector", "outrigger-system"), life)
	if err != nil {
		t.Fatal(err)
	}
	return pairPEM(t, leaf)
}

func TestFilesTakeOnlyAGoodPair(t *testing.T) {
	authority, stranger := newAuthority(t, now.Add(-10*day), 100*day), newAuthority(t, now.Add(-day), 100*day)
	ca := certs.NewBundle(now, authority.Certificate()).PEM()
	cert, key := issue(t, authority, now, day)
	_, otherKey := issue(t, authority, now, day)
	oldCert, oldKey := issue(t, authority, now.Add(-5*day), day)
	earlyCert, earlyKey := issue(t, authority, now.Add(5*day), day)
	caCert, caKey, _ := authority.PEM()

	for name, tc := range map[string]struct {
		files map[string][]byte
		want  string // in the error; "" means that the pair is served
	}{
		"a pair alone":                            {map[string][]byte{"tls.crt": cert, "tls.key": key}, ""},
		"a pair and its authority":                {map[string][]byte{"tls.crt": cert, "tls.key": key, "ca.crt": ca}, ""},
		"a pair and an empty ca.crt":              {map[string][]byte{"tls.crt": cert, "tls.key": key, "ca.crt": {}}, ""},
		"not an empty folder":                     {nil, "tls.crt: no such file or directory"},
		"not a certificate without its key":       {map[string][]byte{"tls.crt": cert}, "tls.key: no such file or directory"},
		"not a torn pair":                         {map[string][]byte{"tls.crt": cert, "tls.key": otherKey}, "private key does not match"},
		"not half a file":                         {map[string][]byte{"tls.crt": cert[:len(cert)/2], "tls.key": key}, "tls.crt\""},
		"not an expired pair":                     {map[string][]byte{"tls.crt": oldCert, "tls.key": oldKey}, "tls.crt\": expired at 2029-12-29T03:04:05Z"},
		"not a pair before its time":              {map[string][]byte{"tls.crt": earlyCert, "tls.key": earlyKey}, "is not valid before 2030-01-07T02:59:05Z"},
		"not a pair of another authority":         {map[string][]byte{"tls.crt": cert, "tls.key": key, "ca.crt": certs.NewBundle(now, stranger.Certificate()).PEM()}, "does not verify"},
		"not where ca.crt is something else":      {map[string][]byte{"tls.crt": cert, "tls.key": key, "ca.crt": key}, "ca.crt: CA bundle: not a PEM certificate"},
		"not a certificate that names no servers": {map[string][]byte{"tls.crt": caCert, "tls.key": caKey}, "has no subject alternative names"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder{t, t.TempDir()}
			files := &certs.Files{Dir: dir.dir}
			dir.write(tc.files)
			changed, err := files.Read(now)
			if changed != (tc.want == "") || (err == nil) != (tc.want == "") {
				t.Fatalf("changed %v, %v", changed, err)
			}
			ready := files.Ready(now)
			if tc.want == "" {
				if ready != nil {
					t.Error(ready)
				}
				if err := handshake(files.GetCertificate, certs.NewBundle(now, authority.Certificate()), now); err != nil {
					t.Error(err)
				}
				return
			}
			for _, err := range []error{err, ready} {
				if !strings.Contains(err.Error(), tc.want) {
					t.Errorf("got %q, want %q in it", err, tc.want)
				}
			}
			if _, err := files.GetCertificate(nil); err == nil {
				t.Error("a certificate is served")
			}

			good := certs.NewBundle(now, stranger.Certificate())
			goodCert, goodKey := issue(t, stranger, now, day)
			dir.write(map[string][]byte{"tls.crt": goodCert, "tls.key": goodKey})
			if _, err := files.Read(now); err != nil {
				t.Fatal(err)
			}
			dir.write(tc.files)
			if _, err := files.Read(now); err == nil {
				t.Error("no error the second time")
			}
			if err := files.Ready(now); err != nil {
				t.Errorf("not ready with the last good pair: %v", err)
			}
			if err := handshake(files.GetCertificate, good, now); err != nil {
				t.Errorf("with the last good pair: %v", err)
			}
			if err := files.Ready(now.Add(2 * day)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v after the last good pair has expired, want %q as the cause", err, tc.want)
			}
		})
	}
}

func TestFilesAreReadAgainWhileTheyAreServed(t *testing.T) {
	dir := folder{t, t.TempDir()}
	synctest.Test(t, func(t *testing.T) {
		files := &certs.Files{Dir: dir.dir, Given: certs.Given{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}}
		go files.Run(t.Context())
		synctest.Wait()
		if err := files.Ready(time.Now()); err == nil {
			t.Fatal("ready without files")
		}
		for range 3 {
			authority := newAuthority(t, time.Now(), 100*day)
			cert, key := issue(t, authority, time.Now(), day)
			dir.write(map[string][]byte{"tls.crt": cert, "tls.key": key})
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if err := files.Ready(time.Now()); err != nil {
				t.Fatal(err)
			}
			if err := handshake(files.GetCertificate, certs.NewBundle(time.Now(), authority.Certificate()), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestServingTheSameFilesAgainIsNoChange(t *testing.T) {
	dir := folder{t, t.TempDir()}
	authority := newAuthority(t, now, 100*day)
	cert, key := issue(t, authority, now, day)
	dir.write(map[string][]byte{"tls.crt": cert, "tls.key": key})
	files := &certs.Files{Dir: dir.dir}
	for i, want := range []bool{true, false, false} {
		if changed, err := files.Read(now); changed != want || err != nil {
			t.Errorf("read %d: changed %v, %v", i, changed, err)
		}
	}
	var served *tls.Certificate
	if served, _ = files.GetCertificate(nil); served == nil {
		t.Error("nothing is served")
	}
}
