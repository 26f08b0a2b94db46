package redirect_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/test/standin/redirect"
)

var update = flag.Bool("update", false, "write the wanted rule sets")

// Each file has a sentence, the arguments of istio-iptables, one on a line with ""
// for an empty one, an empty line, and the rule set for them.
func TestRules(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("testdata: no files", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			head, want, _ := strings.Cut(string(text), "\n\n")
			lines := strings.Split(head, "\n")
			c, err := redirect.Parse(arguments(lines[1:]), none, &bytes.Buffer{})
			if err != nil {
				t.Fatal(err)
			}
			got := redirect.Rules(c.Options).String()
			if *update {
				if err := os.WriteFile(file, []byte(head+"\n\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", lines[0], d)
			}
		})
	}
}

func arguments(lines []string) []string {
	args := slices.Clone(lines)
	for i, a := range args {
		if a == `""` {
			args[i] = ""
		}
	}
	return args
}

func none(string) string { return "" }

func TestParseRefuses(t *testing.T) {
	for sentence, c := range map[string]struct {
		args []string
		env  string
		want string
	}{
		"a port that is none":               {args: []string{"-b", "80,http"}, want: `-b/--istio-inbound-ports: "http": no port, wanted a number from 1 to 65535`},
		"port 0":                            {args: []string{"-p", "0"}, want: `-p/--envoy-port: "0": no port, wanted a number from 1 to 65535`},
		"a port past the last":              {args: []string{"-o", "65536"}, want: `-o/--istio-local-outbound-ports-exclude: "65536": no port, wanted a number from 1 to 65535`},
		"a space in a list":                 {args: []string{"-d", "80, 81"}, want: `-d/--istio-local-exclude-ports: " 81": no port, wanted a number from 1 to 65535`},
		"an address for a range":            {args: []string{"-x", "10.0.0.1"}, want: `-x/--istio-service-exclude-cidr: "10.0.0.1": no range of addresses, wanted one such as 10.0.0.0/8`},
		"a star among exclusions":           {args: []string{"-x", "*"}, want: `-x/--istio-service-exclude-cidr: "*": no range of addresses, wanted one such as 10.0.0.0/8`},
		"a range that is too long":          {args: []string{"-i", "10.0.0.0/33"}, want: `-i/--istio-service-cidr: "10.0.0.0/33": no range of addresses, wanted one such as 10.0.0.0/8`},
		"a user's name":                     {args: []string{"-u", "istio-proxy"}, want: `-u/--proxy-uid: "istio-proxy": no id of a user or group, wanted a number`},
		"no user":                           {args: []string{"-u", ""}, want: "-u/--proxy-uid: no user is named, and the proxy's own connections would be redirected to it"},
		"an interface's name too long":      {args: []string{"-c", "a234567890123456"}, want: `-c/--exclude-interfaces: "a234567890123456": no name of an interface, wanted one such as eth0`},
		"TPROXY":                            {args: []string{"-m", "TPROXY"}, want: `mode "TPROXY": not what the stand-in does, wanted REDIRECT`},
		"a word after the flags":            {args: []string{"-m", "REDIRECT", "now"}, want: `argument "now": not expected after the flags of istio-iptables`},
		"a flag that no template passes":    {args: []string{"--dry-run"}, want: "unknown flag: --dry-run"},
		"a flag without its value":          {args: []string{"-p"}, want: "flag needs an argument: 'p' in -p"},
		"DNS, asked for in the environment": {env: "true", want: "DNS capture: not what the stand-in does, wanted no --redirect-dns and no ISTIO_META_DNS_CAPTURE=true"},
	} {
		t.Run(sentence, func(t *testing.T) {
			env := func(name string) string { return map[string]string{"ISTIO_META_DNS_CAPTURE": c.env}[name] }
			_, err := redirect.Parse(c.args, env, &bytes.Buffer{})
			if err == nil {
				t.Fatalf("no error, want %q", c.want)
			}
			if d := cmp.Diff(c.want, err.Error()); d != "" {
				t.Errorf("error (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseTellsApplyingFromValidating(t *testing.T) {
	for sentence, c := range map[string]struct {
		args            []string
		apply, validate bool
	}{
		"istio-init":       {nil, true, false},
		"istio-validation": {[]string{"--run-validation", "--skip-rule-apply"}, false, true},
	} {
		got, err := redirect.Parse(c.args, none, &bytes.Buffer{})
		if err != nil || got.Apply != c.apply || got.Validate != c.validate {
			t.Errorf("%s: apply %v, validate %v, %v", sentence, got.Apply, got.Validate, err)
		}
	}
}
