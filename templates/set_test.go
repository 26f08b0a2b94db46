package templates_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/templates"
)

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		texts map[string]string
		want  string
	}{
		"what does not parse, with the line": {
			map[string]string{"mine": "a\n\n{{ if }}"},
			`template "mine": line 3: missing value for if`,
		},
		"a function that there is not": {
			map[string]string{"mine": "{{ lookup }}"},
			`template "mine": line 1: function "lookup" not defined`,
		},
		"the functions that only the set itself may use": {
			map[string]string{"mine": "{{ _each 1 2 }}"},
			`template "mine": line 1: function "_each" not defined`,
		},
		"an action without an end, with the line that it begins in": {
			map[string]string{"mine": "\n{{ 1 "},
			`template "mine": line 2: unclosed action`,
		},
		"methods that change what they belong to": {
			map[string]string{"mine": "a\n{{ with .MeshConfig }}{{ .UnmarshalJSON nil }}{{ end }}"},
			`template "mine": line 2: .UnmarshalJSON: a template may call Get… and String of its data, not UnmarshalJSON`,
		},
		"methods that lead there": {
			map[string]string{"mine": `{{ ($.MeshConfig).ProtoReflect }}`},
			`template "mine": line 1: ($.MeshConfig).ProtoReflect: a template may call Get… and String of its data, not ProtoReflect`,
		},
		"a text that is too long": {
			map[string]string{"mine": strings.Repeat(" ", 256<<10+1)},
			`template "mine": 262145 bytes, want at most 262144`,
		},
		"a whole set, saying all that is wrong": {
			map[string]string{"one": "{{ end }}", "two": "fine", "three": "{{ x }}"},
			"template \"one\": line 1: unexpected {{end}}\ntemplate \"three\": line 1: function \"x\" not defined",
		},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := templates.Parse(test.texts, templates.Options{})
			if err == nil || set != nil {
				t.Fatalf("set %v and error %v, want only an error", set, err)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// hostile are templates that would take all memory or all time, each by another way.
var hostile = map[string]string{
	"a long loop":                              `{{ range until 100000000 }}{{ end }}`,
	"a loop over a number":                     `{{ range 9223372036854775807 }}{{ end }}`,
	"loops in loops, with nothing in them":     `{{ range 3000 }}{{ range 3000 }}{{ range 3000 }}{{ end }}{{ end }}{{ end }}`,
	"a loop over a list that grows":            `{{ $l := list 1 }}{{ range 100 }}{{ $l = concat $l $l }}{{ end }}`,
	"a template that calls itself":             `{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`,
	"a template that calls itself twice":       `{{ define "a" }}{{ template "a" }}{{ template "a" }}{{ end }}{{ template "a" }}`,
	"a text repeated":                          `{{ repeat 1000000000 "x" }}`,
	"a text that doubles":                      `{{ $s := "x" }}{{ range 100 }}{{ $s = print $s $s }}{{ end }}`,
	"escapes of escapes":                       `{{ $s := "\\" }}{{ range 100 }}{{ $s = js $s }}{{ end }}`,
	"quotes of quotes":                         `{{ $s := "\"" }}{{ range 100 }}{{ $s = quote $s }}{{ end }}`,
	"JSON in JSON":                             `{{ $s := "\"" }}{{ range 100 }}{{ $s = toJson $s }}{{ end }}`,
	"a wide number":                            `{{ $f := repeat 1000 "%999999d" }}{{ printf $f 1 }}`,
	"a wide number by its argument":            `{{ $f := repeat 100 "%[1]*d" }}{{ printf $f 999999 }}`,
	"an argument printed many times":           `{{ $s := repeat 100000 "x" }}{{ $f := repeat 1000 "%[1]s" }}{{ $_ := printf $f $s }}`,
	"a replacement that is long":               `{{ $s := repeat 100000 "x" }}{{ replace "x" $s $s }}`,
	"an expression that replaces each letter":  `{{ $s := repeat 100000 "x" }}{{ regexReplaceAll "x" $s $s }}`,
	"an expression that repeats what it found": `{{ $s := repeat 100000 "x" }}{{ $r := repeat 10000 "${0}" }}{{ regexReplaceAll "x+" $s $r }}`,
	"an expression that is long":               `{{ $s := repeat 100000 "x" }}{{ regexMatch (repeat 10000 "x?") $s }}`,
	"an expression that is large":              `{{ $s := repeat 100000 "x" }}{{ regexMatch (repeat 90 "(xx?){999}") $s }}`,
	"expressions that are large, in a loop":    `{{ range 1000 }}{{ $_ := regexMatch (repeat 90 "(xx?){999}") "" }}{{ end }}`,
	"a separator that is long":                 `{{ $s := repeat 100000 "x" }}{{ join $s (until 10000) }}`,
	"indentation":                              `{{ $s := repeat 100000 "\n" }}{{ indent 100000 $s }}`,
	"indentation with a first line":            `{{ $s := repeat 100000 "\n" }}{{ nindent 100000 $s }}`,
	"lines wrapped at a long separator":        `{{ $s := repeat 100000 "x" }}{{ wrapWith 1 $s $s }}`,
	"characters to trim":                       `{{ $s := repeat 100000 "é" }}{{ trimAll (print $s "x") $s }}`,
	"a list without doubles":                   `{{ uniq (until 100000) }}`,
	"a list without a list":                    `{{ $l := until 30000 }}{{ without $l $l $l $l }}{{ range 100 }}{{ $_ := without $l $l $l }}{{ end }}`,
	"a sequence":                               `{{ seq 1 1000000000 }}`,
	"a sequence over the edge":                 `{{ untilStep 0 9223372036854775807 4611686018427387904 | len }}{{ seq 9223372036854775807 }}{{ untilStep 9223372036854775800 9223372036854775807 5 }}`,
	"products with many digits":                `{{ range 100000 }}{{ $_ := mulf 1e308 1e308 1e308 1e308 1e308 1e308 1e308 1e308 }}{{ end }}`,
	"a map that holds itself":                  `{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}`,
	"maps that hold each other":                `{{ $d := dict }}{{ $e := dict "d" $d }}{{ $_ := set $d "e" $e }}{{ $d }}`,
	"a map merged into itself":                 `{{ $d := dict "a" 1 }}{{ $_ := merge $d (dict "d" $d) }}{{ range 100 }}{{ $_ := merge $d (dict "e" $d "f" $d) }}{{ end }}{{ $d }}`,
	"a list that holds a list twice":           `{{ $l := list 1 }}{{ range 100 }}{{ $l = list $l $l }}{{ end }}{{ $l }}`,
	"a map that grows after it was held often": `{{ $d := dict }}{{ $l := list $d $d }}{{ range 14 }}{{ $l = list $l $l }}{{ end }}{{ $_ := set $d "k" (repeat 100000 "x") }}{{ $l }}`,
	"values that grow while they are held":     `{{ $l := list .Values }}{{ range 8 }}{{ $l = list $l $l }}{{ end }}{{ $_ := set .Values "k" (repeat 100000 "x") }}{{ $l }}`,
	"JSON that is deep":                        `{{ fromJSON (print (repeat 5000 "[") (repeat 5000 "]")) }}`,
	"the whole mesh printed in a loop":         `{{ range 100000 }}{{ $_ := $.MeshConfig.String }}{{ end }}`,
	"the whole mesh written in a loop":         `{{ range 100000 }}{{ $_ := protoToJSON $.MeshConfig }}{{ end }}`,
	"a large map sorted in a loop":             `{{ $m := dict }}{{ range until 2000 }}{{ $_ := set $m (toString .) . }}{{ end }}{{ range 100000 }}{{ range $m }}{{ break }}{{ end }}{{ end }}`,
	"output":                                   `{{ range 100000 }}0123456789{{ end }}{{ range 10000 }}0123456789{{ end }}`,
	"conditions":                               strings.Repeat(`{{ range 1000 }}{{ if . }}`, 5) + strings.Repeat(`{{ end }}{{ end }}`, 5),
	"variables":                                `{{ range $i := until 60000 }}` + strings.Repeat(`{{ $x := $i }}`, 20) + `{{ end }}`,
	"an address in a map":                      `{{ $d := dict }}{{ $_ := set $d "e" (dict "d" $) }}{{ $d }}`,
	"a match at every letter":                  `{{ $s := repeat 1002000 "x" }}{{ regexReplaceAll "x" $s $s }}{{ len (regexFindAll "x" $s -1) }}`,
}

// TestHostileTemplatesEnd executes what would not end: the test's own time is what
// they are held to.
func TestHostileTemplatesEnd(t *testing.T) {
	set, err := templates.Parse(hostile, templates.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name := range hostile {
		t.Run(name, func(t *testing.T) {
			_, err := set.Execute(name, newData(t))
			if err == nil {
				t.Fatal("executed, want a refusal")
			}
			for _, refusal := range []string{"units of work", "bytes of output", "deep", "want at most", "range over", "never the same"} {
				if strings.Contains(err.Error(), refusal) {
					return
				}
			}
			t.Errorf("%v, want a refusal because of a bound, or of an address", err)
		})
	}
}

// TestExecuteSays shows how errors read.
func TestExecuteSays(t *testing.T) {
	for name, test := range map[string]struct{ template, want string }{
		"which field is missing":             {"\n{{ .Spec.Nothing }}", `line 2: .Spec.Nothing: no field Nothing in v1.PodSpec`},
		"what is not a template's data":      {`{{ .Nothing }}`, `line 1: .Nothing: no field Nothing in a template's data`},
		"that something before is not set":   {"{{ $v := fromJSON `{\"a\": null}` }}{{ $v.a.b }}", `line 1: $v.a.b: nothing to take b from: what comes before it is not set`},
		"what a function wants":              {`{{ trunc "a" .Spec.NodeName }}`, `line 1: "a": expected integer; found "a"`},
		"what a function is not given":       {`{{ trunc 5 .Values.none }}`, `line 1: .Values.none: no value where string is wanted`},
		"what a template says itself":        {`{{ fail "not so" }}`, `line 1: fail "not so": not so`},
		"where it is in a template's part":   {"{{ define \"p\" }}\n{{ .a }}{{ end }}{{ template \"p\" 1 }}", `line 2: .a: no field a in int`},
		"only the beginning of what is long": {`{{ fail (print "aaaaaaaaaa" "aaaaaaaaaa" "aaaaaaaaaa" "aaaaaaaaaa" "aaaaaaaaaa" "aaaaaaaaaa") }}`, `line 1: fail (print "aaaaaaaaaa" "aaaaaaaaaa" "aaaaaaaaaa" "aaaaaaaa…: ` + strings.Repeat("a", 60)},
		"that a loop is too long":            {"\n{{ range 100000000 }}{{ end }}", `line 2: more than 8388608 units of work: shorten the loops, or what they handle`},
		"that there is too much output":      {`{{ repeat 1000000 "x" }}{{ repeat 1000000 "x" }}`, `more than 1048576 bytes of output`},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := templates.Parse(map[string]string{"mine": test.template}, templates.Options{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = set.Execute("mine", newData(t))
			if diff := cmp.Diff(`template "mine": `+test.want, fmt.Sprint(err)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestExecuteOfNoTemplate(t *testing.T) {
	set, err := templates.Parse(map[string]string{"b": "", "a": ""}, templates.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Names() = %q, want a and b", got)
	}
	_, err = set.Execute("c", newData(t))
	if want := `template "c": there is none of that name, only a, b`; fmt.Sprint(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestExecutionsKeepApart executes templates that change maps, at once and with
// the same data, which stays as it was.
func TestExecutionsKeepApart(t *testing.T) {
	set, err := templates.Parse(map[string]string{
		"set":   `{{ $_ := set .Values "revision" "changed" }}{{ $_ := set .Values.global "hub" "changed" }}{{ .Values.revision }} {{ .Values.global.hub }}`,
		"merge": `{{ $_ := mergeOverwrite .Values (dict "global" (dict "hub" "changed")) }}{{ .Values.global.hub }}`,
		"fresh": `{{ $v := mergeOverwrite (dict) .Values (dict "global" (dict "hub" "changed")) }}{{ $v.global.hub }} {{ .Values.global.hub }}`,
		"sort":  `{{ sortAlpha .MeshConfig.TrustDomainAliases }}`,
	}, templates.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"set": "changed changed", "merge": "changed", "fresh": "changed example.com/istio", "sort": "[a b]"}
	data := newData(t)
	data.MeshConfig.TrustDomainAliases = []string{"b", "a"}
	before := tree(t, data)
	var running sync.WaitGroup
	for range 4 {
		for name := range want {
			running.Go(func() {
				for range 20 {
					if out, err := set.Execute(name, data); err != nil || string(out) != want[name] {
						t.Errorf("template %q: %q and %v, want %q", name, out, err, want[name])
					}
				}
			})
		}
	}
	running.Wait()
	if diff := cmp.Diff(before, tree(t, data)); diff != "" {
		t.Errorf("the data has changed: -before +after\n%s", diff)
	}
}
