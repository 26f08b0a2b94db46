package templates_test

import (
	"strings"
	"testing"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
	"outrigger.dev/outrigger/templates"
)

// pod is what the templates of TestFunctions see.
const pod = `
metadata:
  name: web
  labels: {app: web}
  annotations:
    set: "yes"
    empty: ""
spec:
  containers:
  - name: istio-proxy
    ports: [{containerPort: 15090}]
  - name: web
    image: example.com:5000/web:1.2@sha256:abc
    ports: [{containerPort: 80, name: http}, {containerPort: 53, protocol: UDP}, {containerPort: 5, protocol: SCTP}]
`

// TestFunctions renders a template for each thing that a function promises. Where
// the result begins with "error: ", it is what the error says.
func TestFunctions(t *testing.T) {
	for name, test := range map[string]struct{ template, want string }{
		// Istio's.
		"annotation is the value":                            {`{{ annotation .ObjectMeta "set" "no" }}`, "yes"},
		"annotation is the value though it is empty":         {`[{{ annotation .ObjectMeta "empty" "no" }}]`, "[]"},
		"annotation has a default of any kind":               {`{{ annotation .ObjectMeta "other" 15 }} {{ annotation .ObjectMeta "other" .ProxyConfig.InterceptionMode }}`, "15 REDIRECT"},
		"isset says whether there is a key":                  {`{{ isset .ObjectMeta.Annotations "empty" }} {{ isset .ObjectMeta.Annotations "other" }}`, "true false"},
		"valueOrDefault takes null and empty for absent":     {`{{ valueOrDefault .Values.none 1 }} {{ valueOrDefault "" 2 }}`, "1 2"},
		"valueOrDefault takes false and zero for values":     {`{{ valueOrDefault false 1 }} {{ valueOrDefault 0 2 }}`, "false 0"},
		"formatDuration writes as Go does":                   {`{{ formatDuration .ProxyConfig.DrainDuration }}`, "45s"},
		"excludeInboundPort adds the port":                   {`{{ excludeInboundPort 15020 "1, 2" }}`, "1,2,15020"},
		"excludeInboundPort adds it once":                    {`{{ excludeInboundPort "15020" "1,15020" }}`, "1,15020"},
		"excludeInboundPort does not add 0":                  {`{{ excludeInboundPort 0 "1,2" }}`, "1,2"},
		"excludeInboundPort does not add an empty port":      {`{{ excludeInboundPort " " "1,2" }}`, "1,2"},
		"includeInboundPorts lists TCP ports":                {`{{ includeInboundPorts .Spec.Containers }}`, "15090,80"},
		"applicationPorts leaves out the proxy's":            {`{{ applicationPorts .Spec.Containers }}`, "80"},
		"kubevirtInterfaces gives what it is given":          {`{{ kubevirtInterfaces "net1" }}`, "net1"},
		"excludeInterfaces gives what it is given":           {`{{ excludeInterfaces "net1,net2" }}`, "net1,net2"},
		"toJSON sorts keys":                                  {`{{ toJSON (strdict "b" "2" "a" "1") }}`, `{"a":"1","b":"2"}`},
		"toJSON of no map":                                   {`{{ toJSON .Spec.NodeSelector }}`, `{}`},
		"fromJSON reads":                                     {`{{ (fromJSON "{\"a\": [1, true]}").a }}`, "[1 true]"},
		"fromJSON of no JSON":                                {`{{ fromJSON "nothing" }}`, "{}"},
		"structToJSON leaves out what is not set":            {`{{ structToJSON (index (index .Spec.Containers 1).Ports 0) }}`, `{"name":"http","containerPort":80}`},
		"structToJSON escapes what YAML does not take":       {"{{ structToJSON \"a\x7f\u0085\u2028\ufeffé\" }}", `"a\u007f\u0085\u2028\ufeffé"`},
		"structToJSON of null":                               {`{{ structToJSON nil }}`, `{}`},
		"protoToJSON leaves out a ProxyConfig's defaults":    {`{{ protoToJSON .ProxyConfig }}`, `{}`},
		"protoToJSON writes other messages whole":            {`{{ protoToJSON .MeshConfig.OutboundTrafficPolicy }}`, `{"mode":"ALLOW_ANY"}`},
		"protoToJSON of a message without a form of its own": {`{{ protoToJSON .ProxyConfig.DrainDuration }}`, `"45s"`},
		"protoToJSON of no message":                          {`{{ protoToJSON .ProxyConfig.Tracing }}`, `{}`},
		"toYaml writes":                                      {`{{ toYaml (dict "b" 1 "a" (list 2)) }}`, "a:\n- 2\nb: 1\n"},
		"indent leaves the first line":                       {"{{ indent 2 \"a\\nb\\nc\" }}", "a\n  b\n  c"},
		"indent wants a number of spaces":                    {`{{ indent -1 "a" }}`, "error: line 1: indent -1 \"a\": -1 spaces, want 0 or more"},
		"directory ends in a slash":                          {`{{ directory "/etc/certs/ca.pem" }} [{{ directory "ca.pem" }}]`, "/etc/certs/ []"},
		"contains looks for the first in the second":         {`{{ contains "/" "a/b" }} {{ contains "a/b" "/" }}`, "true false"},
		"toLower":                                           {`{{ toLower "ReplicaSet" }}`, "replicaset"},
		"appendMultusNetwork to nothing":                    {`{{ appendMultusNetwork "" "default/istio-cni" }}`, "default/istio-cni"},
		"appendMultusNetwork to a list":                     {`{{ appendMultusNetwork "a, b" "default/istio-cni" }}`, "a, b, default/istio-cni"},
		"appendMultusNetwork to a list that has it":         {`{{ appendMultusNetwork "default/istio-cni, b" "default/istio-cni" }}`, "default/istio-cni, b"},
		"appendMultusNetwork to JSON":                       {"{{ appendMultusNetwork `[{\"name\": \"a\"}]` `default/istio-cni` }}", `[{"name": "a"}, {"name": "istio-cni", "namespace": "default"}]`},
		"appendMultusNetwork to JSON without a namespace":   {"{{ appendMultusNetwork `[{\"name\": \"a\"}]` `istio-cni` }}", `[{"name": "a"}, {"name": "istio-cni"}]`},
		"appendMultusNetwork to empty JSON":                 {"{{ appendMultusNetwork `[]` `istio-cni` }}", `[{"name": "istio-cni"}]`},
		"appendMultusNetwork to JSON that has it":           {"{{ appendMultusNetwork `[{\"name\":\"istio-cni\",\"namespace\":\"default\"}]` `default/istio-cni` }}", `[{"name":"istio-cni","namespace":"default"}]`},
		"appendMultusNetwork to what is no JSON":            {"{{ appendMultusNetwork `[{]` `istio-cni` }}", `[{]`},
		"env answers from its map":                          {`{{ env "PLATFORM" "none" }}`, "openshift"},
		"env has a default":                                 {`{{ env "PATH" "none" }}`, "none"},
		"omit leaves out keys":                              {`{{ toJSON (omit .ObjectMeta.Annotations "set" "other") }}`, `{"empty":""}`},
		"strdict may lack the last value":                   {`{{ toJSON (strdict "a" "1" "b") }}`, `{"a":"1","b":""}`},
		"toJsonMap merges, the last wins":                   {`{{ toJsonMap (strdict "a" "1" "b" "1") (strdict "b" "2") }}`, `{"a":"1","b":"2"}`},
		"mergeMaps merges, the last wins":                   {`{{ mergeMaps (strdict "a" "1") (strdict "a" "2") }}`, "map[a:2]"},
		"omitNil leaves out null and what is empty without": {"{{ omitNil (fromJSON `{\"a\":null,\"b\":{\"c\":null},\"d\":[null,1,{}],\"e\":false}`) | structToJSON }}", `{"d":[1],"e":false}`},
		"otelResourceAttributes is empty where nobody asks": {`[{{ otelResourceAttributes .MeshConfig nil nil "shop" .Spec.Containers }}]`, "[]"},
		"methods of the mesh's messages work":               {`{{ .ProxyConfig.HoldApplicationUntilProxyStarts.GetValue }} {{ .ProxyConfig.InterceptionMode.String }}`, "false REDIRECT"},
		"methods of messages that are not there work":       {`{{ if .ProxyConfig.GetTracing.GetTlsSettings }}yes{{ else }}no{{ end }}`, "no"},
		// sprig's, where they are not sprig's own.
		"repeat":                                   {`{{ repeat 3 "ab" }}`, "ababab"},
		"repeat wants a number of times":           {`{{ repeat -1 "ab" }}`, "error: line 1: repeat -1 \"ab\": -1 times, want 0 or more"},
		"replace":                                  {`{{ replace "a" "bb" "aXa" }}`, "bbXbb"},
		"join writes any element":                  {`{{ join "-" (list 1 nil "a" true) }} {{ join "," "one" }}`, "1-a-true one"},
		"quote leaves out null":                    {`{{ quote nil "a\n" 1 }}`, `"a\n" "1"`},
		"until and untilStep":                      {`{{ until 3 }} {{ until -2 }} {{ untilStep 1 6 2 }} {{ untilStep 1 2 -1 }} {{ untilStep 1 2 0 }}`, "[0 1 2] [0 -1] [1 3 5] [] []"},
		"seq":                                      {`{{ seq 3 }}|{{ seq -1 }}|{{ seq 2 4 }}|{{ seq 5 -2 1 }}|{{ seq 1 -2 5 }}|{{ seq }}`, "1 2 3|1 0 -1|2 3 4|5 3 1||"},
		"sortAlpha sorts a copy":                   {`{{ $l := list "b" "a" }}{{ sortAlpha $l }} {{ $l }}`, "[a b] [b a]"},
		"keys and values are sorted":               {`{{ $d := dict "c" 3 "a" 1 "b" 2 }}{{ keys $d }} {{ values $d }}`, "[a b c] [1 2 3]"},
		"merge keeps what is there":                {"{{ merge (fromJSON `{\"a\":1,\"m\":{\"x\":1}}`) (fromJSON `{\"a\":2,\"b\":2,\"m\":{\"x\":2,\"y\":2}}`) | structToJSON }}", `{"a":1,"b":2,"m":{"x":1,"y":2}}`},
		"mergeOverwrite replaces what is there":    {"{{ mergeOverwrite (fromJSON `{\"a\":1,\"m\":{\"x\":1}}`) (fromJSON `{\"a\":2,\"b\":2,\"m\":{\"x\":2,\"y\":2}}`) | structToJSON }}", `{"a":2,"b":2,"m":{"x":2,"y":2}}`},
		"merge does not reach into a pod":          {`{{ $_ := merge (dict "l" .ObjectMeta.Labels) (dict "l" (strdict "x" "y")) }}{{ .ObjectMeta.Labels }}`, "map[app:web]"},
		"set changes a map":                        {`{{ $d := dict "a" 1 }}{{ $_ := set $d "a" 2 }}{{ $d.a }}`, "2"},
		"regular expressions":                      {`{{ regexMatch "^a+$" "aaa" }} {{ regexFind "b." "abcd" }} {{ regexFindAll "." "abc" 2 }} {{ regexSplit "," "a,b,c" -1 }}`, "true bc [a b] [a b c]"},
		"regular expressions that replace":         {"{{ regexReplaceAll \"(a)(b)\" \"ab-ab\" \"$2${1}\" }} {{ mustRegexReplaceAllLiteral \"a\" \"aa\" \"$0\" }}", "ba-ba $0$0"},
		"a bad regular expression":                 {`{{ regexMatch "(" "a" }}`, "error: line 1: regexMatch \"(\" \"a\": error parsing regexp: missing closing ): `(`"},
		"default, ternary, coalesce, empty":        {`{{ default 1 "" }} {{ ternary "a" "b" false }} {{ coalesce nil "" "c" }} {{ empty (list) }}`, "1 b c true"},
		"text/template's own functions that print": {`{{ printf "%05.1f|%-3s|%[1]v" 1.25 "a" }} {{ print 1 "a" }} {{ html "<" }} {{ js "'" }} {{ urlquery "a b" }}`, `001.2|a  |1.25 1a &lt; \' a+b`},
		"digests":                                  {`{{ sha256sum "" | trunc 8 }} {{ adler32sum "a" }}`, "e3b0c442 6422626"},
		"loops over numbers":                       {`{{ range 3 }}{{ . }}{{ else }}none{{ end }} {{ range 0 }}x{{ else }}none{{ end }}`, "012 none"},
		"a value that is not there":                {`{{ .Values.none }} {{ range .Values.none }}x{{ else }}none{{ end }}`, "<no value> none"},
		"templates that call each other":           {`{{ define "a" }}{{ if . }}{{ . }}{{ template "a" (sub . 1) }}{{ end }}{{ end }}{{ template "a" 3 }}`, "321"},
		// Refused.
		"now":           {`{{ now }}`, "error: line 1: now: a template has no clock and no time zone: the same pod must always give the same result"},
		"randAlphaNum":  {`{{ randAlphaNum 5 }}`, "error: line 1: randAlphaNum 5: a template has no randomness: the same pod must always give the same result"},
		"genCA":         {`{{ genCA "a" 1 }}`, "error: line 1: genCA \"a\" 1: a template makes no keys, certificates or passwords: mount a Secret instead"},
		"getHostByName": {`{{ getHostByName "localhost" }}`, "error: line 1: getHostByName \"localhost\": a template looks nothing up: pass the value in the configuration's values"},
		"expandenv":     {`{{ expandenv "$PATH" }}`, "error: line 1: expandenv \"$PATH\": a template does not see the process's environment: use env \"NAME\" \"default\""},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := templates.Parse(map[string]string{"t": test.template}, templates.Options{Env: map[string]string{"PLATFORM": "openshift"}})
			if err != nil {
				t.Fatal(err)
			}
			data := newData(t)
			readPod(t, data, pod)
			out, err := set.Execute("t", data)
			got := string(out)
			if err != nil {
				got = "error: " + strings.TrimPrefix(err.Error(), `template "t": `)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestEveryFunctionIsKnown parses templates that name what templates written for
// Istio may name.
func TestEveryFunctionIsKnown(t *testing.T) {
	var text strings.Builder
	for name := range sprig.TxtFuncMap() {
		text.WriteString("{{ if false }}{{ " + name + " }}{{ end }}")
	}
	if _, err := templates.Parse(map[string]string{"sprig's": text.String()}, templates.Options{}); err != nil {
		t.Error(err)
	}
}
