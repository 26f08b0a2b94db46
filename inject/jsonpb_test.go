package inject

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
)

// What istiod's reader takes is taken, and means what it means there.
func TestParseMeshAsIstiodReads(t *testing.T) {
	for sentence, c := range map[string]struct{ doc, plain string }{
		"minutes":                       {"connectTimeout: 1m", "connectTimeout: 60s"},
		"milliseconds":                  {"connectTimeout: 250ms", "connectTimeout: 0.25s"},
		"a duration of several parts":   {"{defaultConfig: {drainDuration: 1h2m3s}}", "{defaultConfig: {drainDuration: 3723s}}"},
		"a negative duration":           {"connectTimeout: -1500ms", "connectTimeout: -1.5s"},
		"a duration deep inside":        {"{defaultConfig: {privateKeyProvider: {cryptomb: {pollDelay: 20ms}}}}", "{defaultConfig: {privateKeyProvider: {cryptomb: {pollDelay: 0.02s}}}}"},
		"a duration in a list":          {"{configSources: [{address: a, tcpKeepalive: {time: 2m}}]}", "{configSources: [{address: a, tcpKeepalive: {time: 120s}}]}"},
		"a name that is like a time":    {"trustDomain: 1m", `trustDomain: "1m"`},
		"a variable that is null":       {"{defaultConfig: {proxyMetadata: {A: null, B: x}}}", `{defaultConfig: {proxyMetadata: {A: "", B: x}}}`},
		"a provider that is null":       {"extensionProviders: [null]", "extensionProviders: [{}]"},
		"an alias that is null":         {"trustDomainAliases: [null, a]", `trustDomainAliases: ["", a]`},
		"a field that is null":          {"{trustDomain: null, defaultConfig: {concurrency: null, tracing: null}}", ""},
		"both members of a oneof":       {"{defaultConfig: {serviceCluster: a, tracingServiceName: CANONICAL_NAME_ONLY}}", "{defaultConfig: {tracingServiceName: CANONICAL_NAME_ONLY}}"},
		"names as in the .proto":        {"{trust_domain: a, defaultConfig: {status_port: 1, termination_drain_duration: 2m}}", "{trustDomain: a, defaultConfig: {statusPort: 1, terminationDrainDuration: 120s}}"},
		"names in another case":         {"{defaultconfig: {statusPort: 1}, TrustDomain: a}", ""},
		"what other releases have":      {"{mixerCheckServer: a, outboundTrafficPolicy: {mode: LATER}, defaultConfig: {parentShutdownDuration: 1m}}", "{outboundTrafficPolicy: {}}"},
		"a comment and nothing else":    {"# empty", ""},
		"what the defaults are already": {"{defaultConfig: {drainDuration: 45s}}", ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, err := ParseMesh([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			want, err := ParseMesh([]byte(c.plain))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What is wrong in istiod's eyes is refused.
func TestParseMeshRefuses(t *testing.T) {
	for sentence, doc := range map[string]string{
		"a list":                     "[]",
		"a duration without a unit":  "connectTimeout: 10",
		"a duration that is none":    "connectTimeout: soon",
		"a number for a text":        "{defaultConfig: {proxyMetadata: {A: 1}}}",
		"a text for a truth":         `enablePrometheusMerge: "true"`,
		"a list for a message":       "defaultConfig: []",
		"a number that does not fit": "{defaultConfig: {concurrency: 99999999999}}",
	} {
		t.Run(sentence, func(t *testing.T) {
			if mesh, err := ParseMesh([]byte(doc)); err == nil {
				t.Errorf("taken: %v", mesh)
			}
		})
	}
}
