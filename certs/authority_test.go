package certs_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/certs"
)

var (
	day = 24 * time.Hour
	now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
)

func newAuthority(t *testing.T, now time.Time, life time.Duration) *certs.Authority {
	t.Helper()
	a, err := certs.NewAuthority(now, life)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthorityIssues(t *testing.T) {
	for name, tc := range map[string]struct {
		authorityLife, life time.Duration
		names               []string
		wantDNS, wantIP     []string
		wantUntil           time.Time
	}{
		"names are DNS names or addresses": {
			authorityLife: 100 * day, life: day,
			names:   []string{"outrigger-injector.outrigger-system.svc", "127.0.0.1", "::1", "localhost"},
			wantDNS: []string{"outrigger-injector.outrigger-system.svc", "localhost"},
			wantIP:  []string{"127.0.0.1", "::1"}, wantUntil: now.Add(day),
		},
		"a leaf does not outlive its authority": {
			authorityLife: day, life: 100 * day,
			names: []string{"a"}, wantDNS: []string{"a"}, wantUntil: now.Add(day),
		},
	} {
		t.Run(name, func(t *testing.T) {
			authority := newAuthority(t, now, tc.authorityLife)
			leaf, err := authority.Issue(now, tc.names, tc.life)
			if err != nil {
				t.Fatal(err)
			}
			var ips []string
			for _, ip := range leaf.Leaf.IPAddresses {
				ips = append(ips, ip.String())
			}
			if diff := cmp.Diff(tc.wantDNS, leaf.Leaf.DNSNames); diff != "" {
				t.Errorf("DNS names (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantIP, ips); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantUntil, leaf.Leaf.NotAfter); diff != "" {
				t.Errorf("not after (-want +got):\n%s", diff)
			}
			if !leaf.Leaf.NotBefore.Before(now) {
				t.Errorf("not before %v, want it before %v: a caller's clock may be behind", leaf.Leaf.NotBefore, now)
			}
			if leaf.Leaf.IsCA || leaf.Leaf.KeyUsage&x509.KeyUsageCertSign != 0 {
				t.Error("the leaf may sign certificates")
			}
			if err := certs.NewBundle(now, authority.Certificate()).Verify(leaf, now); err != nil {
				t.Errorf("under its own authority: %v", err)
			}
			stranger := newAuthority(t, now, day)
			if certs.NewBundle(now, stranger.Certificate()).Verify(leaf, now) == nil {
				t.Error("verifies under an authority that did not sign it")
			}
		})
	}
}

func TestSerialNumbersAreLongAndNeverTheSame(t *testing.T) {
	authority := newAuthority(t, now, day)
	seen := map[string]bool{authority.Certificate().SerialNumber.String(): true}
	longest := 0
	for range 20 {
		leaf, err := authority.Issue(now, []string{"a"}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if n := leaf.Leaf.SerialNumber; seen[n.String()] {
			t.Fatalf("serial number %v twice", n)
		} else {
			seen[n.String()] = true
			longest = max(longest, n.BitLen())
		}
	}
	if longest < 112 || longest > 128 {
		t.Errorf("the longest of 20 serial numbers has %d bits, want about 128", longest)
	}
}

func TestAuthorityRefusesToIssue(t *testing.T) {
	for name, tc := range map[string]struct {
		at    time.Time
		names []string
		want  string
	}{
		"without a name":              {now, nil, "no names"},
		"after it has expired":        {now.Add(2 * day), []string{"a"}, "the authority expired at 2030-01-03T03:04:05Z"},
		"long before it was made":     {now.Add(-day), []string{"a"}, "the authority is not valid before"},
		"with a name that is no name": {now, []string{"bücher"}, "serving certificate: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newAuthority(t, now, day).Issue(tc.at, tc.names, time.Hour)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestAuthoritySurvivesPEM(t *testing.T) {
	authority := newAuthority(t, now, day)
	cert, key, err := authority.PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := certs.ParseAuthority(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if !again.Certificate().Equal(authority.Certificate()) {
		t.Error("another certificate came back")
	}
	leaf, err := again.Issue(now, []string{"a"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := certs.NewBundle(now, authority.Certificate()).Verify(leaf, now); err != nil {
		t.Errorf("a leaf of the parsed authority: %v", err)
	}
}

func TestParseAuthorityRefuses(t *testing.T) {
	authority := newAuthority(t, now, day)
	cert, key, _ := authority.PEM()
	_, otherKey, _ := newAuthority(t, now, day).PEM()
	leaf, _ := authority.Issue(now, []string{"a"}, time.Hour)
	leafCert, leafKey := pairPEM(t, leaf)

	for name, tc := range map[string]struct{ cert, key []byte }{
		"nothing":                      {nil, nil},
		"text that is no PEM":          {[]byte("x"), key},
		"a key of another certificate": {cert, otherKey},
		"a certificate that is a leaf": {leafCert, leafKey},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := certs.ParseAuthority(tc.cert, tc.key); err == nil || !strings.HasPrefix(err.Error(), "authority: ") {
				t.Errorf("got %v, want an error about the authority", err)
			}
		})
	}
}

func TestDue(t *testing.T) {
	c := &x509.Certificate{NotBefore: now, NotAfter: now.Add(90 * day)}
	for name, tc := range map[string]struct {
		at   time.Time
		want string
	}{
		"not when it is new":                 {now, ""},
		"not just before two thirds":         {now.Add(60*day - time.Second), ""},
		"at two thirds of its life":          {now.Add(60 * day), "has lived two thirds of its life at 2030-03-03T03:04:05Z"},
		"at its last moment":                 {now.Add(90 * day), "has lived two thirds of its life at 2030-03-03T03:04:05Z"},
		"when it has expired":                {now.Add(91 * day), "expired at 2030-04-02T03:04:05Z"},
		"when the clock went back before it": {now.Add(-time.Second), "is not valid before 2030-01-02T03:04:05Z"},
	} {
		t.Run(name, func(t *testing.T) {
			reason, due := certs.Due(c, tc.at)
			if diff := cmp.Diff(tc.want, reason); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
			if due != (tc.want != "") {
				t.Errorf("due %v with reason %q", due, reason)
			}
		})
	}
}

func TestServiceNamesHoldTheOneThatTheAPIServerUses(t *testing.T) {
	want := []string{"s", "s.n", "s.n.svc", "s.n.svc.cluster.local"}
	if diff := cmp.Diff(want, certs.ServiceNames("s", "n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
