package inject

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Istio refuses in annotation proxy.istio.io/config is refused here, field by
// field, and what a template pastes stays a value.
func TestCheckProxyConfig(t *testing.T) {
	for sentence, c := range map[string]struct{ doc, want string }{
		"nothing":                              {"", ""},
		"everything that is common":            {"{concurrency: 2, drainDuration: 30s, holdApplicationUntilProxyStarts: true, image: {imageType: debug}}", ""},
		"a field of a newer Istio":             {"{brandNew: {x: 1}}", ""},
		"no map":                               {"[]", "is no map, wanted the fields of a ProxyConfig"},
		"an empty path":                        {"{configPath: '', binaryPath: ''}", "configPath: is empty, wanted a value; binaryPath: is empty, wanted a value"},
		"an empty cluster":                     {"{serviceCluster: ''}", "serviceCluster: is empty, wanted a value"},
		"a cluster from labels":                {"{tracingServiceName: APP_LABEL_AND_NAMESPACE}", ""},
		"a drain below a second":               {"{drainDuration: 0.5s}", `drainDuration: "500ms" is no number of seconds, wanted 1s or more`},
		"a drain of broken seconds":            {"{drainDuration: 1.5s}", `drainDuration: "1.5s" is no number of seconds, wanted 1s or more`},
		"a discovery address without port":     {"{discoveryAddress: istiod.istio-system}", `discoveryAddress: "istiod.istio-system" is no address, wanted one like zipkin.istio-system:9411`},
		"a discovery address, IPv6":            {"{discoveryAddress: '[::1]:15012'}", ""},
		"a discovery address, half an IP":      {"{discoveryAddress: '10.0.0:15012'}", `discoveryAddress: "10.0.0:15012" is no address, wanted one like zipkin.istio-system:9411`},
		"a discovery address, port 0":          {"{discoveryAddress: 'istiod:0'}", `discoveryAddress: "istiod:0" is no address, wanted one like zipkin.istio-system:9411`},
		"a zipkin on the node":                 {"{tracing: {zipkin: {address: '$(HOST_IP):9411'}}}", ""},
		"a zipkin without address":             {"{tracing: {zipkin: {}}}", `tracing: zipkin.address: "" is no address, wanted one like zipkin.istio-system:9411`},
		"a datadog without port":               {"{tracing: {datadog: {address: agent}}}", `tracing: datadog.address: "agent" is no address, wanted one like zipkin.istio-system:9411`},
		"a lightstep without token":            {"{tracing: {lightstep: {address: 'ls:443'}}}", "tracing: lightstep.accessToken: is empty, wanted a value"},
		"mutual TLS without key":               {"{tracing: {tlsSettings: {mode: MUTUAL, clientCertificate: /c}}}", "tracing: tlsSettings: mode: MUTUAL wants clientCertificate and privateKey"},
		"mutual TLS with files":                {"{tracing: {tlsSettings: {mode: MUTUAL, clientCertificate: /c, privateKey: /k}}}", ""},
		"TLS that verifies and does not":       {"{tracing: {tlsSettings: {mode: SIMPLE, insecureSkipVerify: true, caCertificates: /ca}}}", "tracing: tlsSettings: insecureSkipVerify: is true where there is something to verify with, wanted one of them"},
		"TLS by a Secret and by files":         {"{tracing: {tlsSettings: {mode: SIMPLE, credentialName: s, caCertificates: /ca}}}", "tracing: tlsSettings: credentialName: is set beside files, wanted one of them"},
		"TLS by a ConfigMap":                   {"{tracing: {tlsSettings: {mode: SIMPLE, credentialName: configmap://ca}}}", "tracing: tlsSettings: credentialName: a ConfigMap cannot be named here, wanted the name of a Secret"},
		"a CA's path that is more YAML":        {"{tracing: {tlsSettings: {caCertificates: '/a: b'}}}", `tracing: tlsSettings: caCertificates: "/a: b" is no path that a template can paste`},
		"a statsd without host":                {"{statsdUdpAddress: ':9125'}", `statsdUdpAddress: ":9125" is no address, wanted one like zipkin.istio-system:9411`},
		"services of Envoy":                    {"{envoyMetricsService: {address: m}, envoyAccessLogService: {address: l}}", `envoyMetricsService.address: "m" is no address, wanted one like zipkin.istio-system:9411; envoyAccessLogService.address: "l" is no address, wanted one like zipkin.istio-system:9411`},
		"ports that are none":                  {"{proxyAdminPort: 0, statusPort: 65536}", "proxyAdminPort: 0 is no port, wanted 1 to 65535; statusPort: 65536 is no port, wanted 1 to 65535"},
		"a number for a mode":                  {"{interceptionMode: 7}", "interceptionMode: 7 is unknown"},
		"a name that no mode has":              {"{interceptionMode: tproxy}", `interceptionMode: "tproxy" is unknown`},
		"a name that a mode has":               {"{interceptionMode: TPROXY}", ""},
		"times as Go writes them":              {"{drainDuration: 1m30s, privateKeyProvider: {qat: {pollDelay: 2ms}}}", ""},
		"no private key provider":              {"{privateKeyProvider: {}}", "privateKeyProvider: names no provider, wanted cryptomb or qat"},
		"a private key provider in no time":    {"{privateKeyProvider: {cryptomb: {pollDelay: 0s}}}", "privateKeyProvider: pollDelay: is not there or zero, wanted a time"},
		"a private key provider":               {"{privateKeyProvider: {qat: {pollDelay: 0.002s}}}", ""},
		"a negative timeout":                   {"{connectionSettings: {httpIdleTimeout: -1s}}", "connectionSettings: httpIdleTimeout: -1s is negative, wanted 0s or more"},
		"too small a window":                   {"{connectionSettings: {http2InitialStreamWindowSize: 1000}}", "connectionSettings: http2InitialStreamWindowSize: 1000 is too little, wanted 65535 or more"},
		"connection settings":                  {"{connectionSettings: {httpIdleTimeout: 0s, httpMaxConcurrentStreams: 100}}", ""},
		"a variable that would be more YAML":   {`{proxyMetadata: {A: "x\"\n- name: evil"}}`, `proxyMetadata: A: "x\"\n- name: evil" has a quote, a backslash or a control character, wanted none`},
		"a variable's name that would be more": {`{proxyMetadata: {"A: b": c}}`, `proxyMetadata: "A: b" is no name of a variable, wanted letters, digits, '-', '_' and '.'`},
		"a single quote in a variable":         {`{proxyMetadata: {A: "it's"}}`, ""},
		"two things wrong":                     {"{statusPort: 0, drainDuration: 0s}", `drainDuration: "0s" is no number of seconds, wanted 1s or more; statusPort: 0 is no port, wanted 1 to 65535`},
	} {
		t.Run(sentence, func(t *testing.T) {
			got := ""
			if _, err := annotatedProxyConfig(defaultProxyConfig, c.doc); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
