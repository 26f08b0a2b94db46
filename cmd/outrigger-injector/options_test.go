package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNamesFollowFromTheRevision(t *testing.T) {
	type names struct {
		ConfigMap, AuthoritySecret, Service, LastGood string
		WebhookConfigurations                         []string
	}
	for name, c := range map[string]struct {
		args []string
		want names
	}{
		"without a revision": {
			want: names{"outrigger", "outrigger-injector-authority", "outrigger-injector", "outrigger-last-good", []string{"outrigger-injector"}},
		},
		"the default revision": {
			args: []string{"--revision=default"},
			want: names{"outrigger", "outrigger-injector-authority", "outrigger-injector", "outrigger-last-good", []string{"outrigger-injector"}},
		},
		"another revision": {
			args: []string{"--revision=canary"},
			want: names{"outrigger-canary", "outrigger-injector-authority-canary", "outrigger-injector-canary", "outrigger-last-good-canary", []string{"outrigger-injector-canary"}},
		},
		"the revision of an istiod": {
			args: []string{"--istio-config=istio-system/canary"},
			want: names{"outrigger-canary", "outrigger-injector-authority-canary", "outrigger-injector-canary", "outrigger-last-good-canary", []string{"outrigger-injector-canary"}},
		},
		"a revision that is given goes before an istiod's": {
			args: []string{"--istio-config=istio-system/canary", "--revision=default"},
			want: names{"outrigger", "outrigger-injector-authority", "outrigger-injector", "outrigger-last-good", []string{"outrigger-injector"}},
		},
		"names that are given stay": {
			args: []string{"--revision=canary", "--config-map=c", "--authority-secret=a", "--service=s", "--webhook-configuration=w", "--webhook-configuration=x"},
			want: names{"c", "a", "s", "outrigger-last-good-canary", []string{"w", "x"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parse(c.args, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			got := names{o.configMap, o.authoritySecret, o.service, o.revised("outrigger-last-good"), o.webhookConfigurations}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProxyConfigsAreObeyedWithIstio(t *testing.T) {
	for args, want := range map[string]bool{
		"":                            false,
		"--istio-config=istio-system": true,
		"--proxy-configs=true":        true,
		"--istio-config=istio-system --proxy-configs=false": false,
		"--istio-config=istio-system --proxy-configs=auto":  true,
	} {
		o, err := parse(strings.Fields(args), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.obeysProxyConfigs(); got != want {
			t.Errorf("%q: %t, want %t", args, got, want)
		}
	}
}

func TestTemplatesReadWhatTheFlagsSet(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want map[string]string
	}{
		"nothing: the configuration's own values count": {want: map[string]string{}},
		"auto is nothing": {
			args: []string{"--native-sidecars=auto"}, want: map[string]string{},
		},
		"all": {
			args: []string{"--native-sidecars=false", "--platform=openshift", "--compliance-policy=fips-140-3"},
			want: map[string]string{"ENABLE_NATIVE_SIDECARS": "false", "PLATFORM": "openshift", "COMPLIANCE_POLICY": "fips-140-3"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parse(c.args, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, o.env()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunRefusesWhatItWasNotMeantFor(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"an argument":                  {[]string{"serve"}, `argument "serve": want flags only`},
		"an unknown flag":              {[]string{"--nope"}, `flag provided but not defined: -nope`},
		"an unknown certificate":       {[]string{"--certificates=acme"}, `--certificates "acme": want selfSigned, certManager, files`},
		"a leaf that lives too short":  {[]string{"--leaf-life=1s"}, `--leaf-life 1s: want 10s or more`},
		"a negative time":              {[]string{"--connection-age=-1s"}, `--connection-age -1s: want 0s or more`},
		"a bad native sidecar":         {[]string{"--native-sidecars=yes"}, `--native-sidecars "yes": want auto, true, false`},
		"a bad choice of ProxyConfigs": {[]string{"--proxy-configs=yes"}, `--proxy-configs "yes": want auto, true, false`},
		"two configurations": {
			[]string{"--istio-config=istio-system", "--config-map=mine"},
			`--istio-config "istio-system": --config-map "mine" is another configuration, want one of the two`,
		},
		"an istiod's configuration and files": {
			[]string{"--istio-config=istio-system", "--config-dir=/x"},
			`--istio-config "istio-system": --config-dir "/x" is another configuration, want one of the two`,
		},
		"an istiod without a namespace": {[]string{"--istio-config=/canary"}, `--istio-config "/canary": want NAMESPACE or NAMESPACE/REVISION`},
		"an istiod of three parts":      {[]string{"--istio-config=a/b/c"}, `--istio-config "a/b/c": want NAMESPACE or NAMESPACE/REVISION`},
		"an istiod without a revision":  {[]string{"--istio-config=a/"}, `--istio-config "a/": want NAMESPACE or NAMESPACE/REVISION`},
		"an address with a name for a port": {
			[]string{"--metrics-address=localhost:http"}, `--metrics-address "localhost:http": want HOST:PORT or :PORT`,
		},
		"an address without a port": {[]string{"--webhook-address=1.2.3.4"}, `--webhook-address "1.2.3.4": want HOST:PORT or :PORT`},
		"an unknown level":          {[]string{"--log-level=loud"}, `--log-level "loud": want debug, info, warn or error`},
		"an unknown format":         {[]string{"--log-format=xml"}, `--log-format "xml": want json or text`},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), c.args, &stdout, &stderr); code != exitUsage {
				t.Errorf("exit status %d, want %d", code, exitUsage)
			}
			want := "outrigger-injector: " + c.want + "\nhint: outrigger-injector --help\n"
			if diff := cmp.Diff(want, stderr.String()); diff != "" {
				t.Errorf("standard error (-want +got):\n%s", diff)
			}
			if stdout.Len() > 0 {
				t.Errorf("standard output has %q", stdout.String())
			}
		})
	}
}

func TestHelpIsNoFault(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stdout, &stderr); code != exitOK {
		t.Errorf("exit status %d, want %d", code, exitOK)
	}
	for _, want := range []string{
		"Usage: outrigger-injector [flags]\n",
		"  --certificates selfSigned|certManager|files\n        serve by an authority of our own, the pair that cert-manager puts in a Secret, or the pair in --cert-dir (default selfSigned)\n",
		"  --webhook-address ADDRESS\n",
		"  --version\n",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("help lacks %q:\n%s", want, stdout.String())
		}
	}
	if stderr.Len() > 0 {
		t.Errorf("standard error has %q", stderr.String())
	}
}

func TestRunSaysWhyItCannotStart(t *testing.T) {
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"--kubeconfig=/nonexistent/kubeconfig", "--log-format=text"}, io.Discard, &stderr)
	if code != exitFault {
		t.Errorf("exit status %d, want %d", code, exitFault)
	}
	want := `level=ERROR msg=stopped err="kubeconfig \"/nonexistent/kubeconfig\": `
	if !strings.Contains(stderr.String(), want) {
		t.Errorf("log lacks %q:\n%s", want, stderr.String())
	}
}
