package agent

// Internal: what is read from a container's environment has no other face.

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	ports := Ports{Outbound: 15001, Inbound: 15006, Status: 15020, Ready: 15021, Stats: 15090}
	usual := Drain{Minimum: 5 * time.Second, Termination: 5 * time.Second}
	for sentence, c := range map[string]struct {
		role        string
		env         map[string]string
		annotations string
		want        Config
	}{
		"a sidecar without anything": {role: "sidecar",
			want: Config{Capture: true, Envoy: true, Ports: ports, Address: "127.0.0.1", Drain: usual}},
		"a gateway has no capture": {role: "router", env: map[string]string{"INSTANCE_IP": "10.0.0.1", "PROXY_CONFIG": "{}\n"},
			want: Config{Envoy: true, Ports: ports, Address: "10.0.0.1", Drain: usual}},
		"the agent of proxyless gRPC has neither": {role: "sidecar", env: map[string]string{"DISABLE_ENVOY": "true"},
			want: Config{Ports: ports, Address: "127.0.0.1", Drain: usual}},
		"drains": {role: "router", env: map[string]string{
			"PROXY_CONFIG":                    `{"terminationDrainDuration":"12.5s","concurrency":2}`,
			"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true", "MINIMUM_DRAIN_DURATION": "1s"},
			want: Config{Envoy: true, Ports: ports, Address: "127.0.0.1",
				Drain: Drain{ExitOnZero: true, Minimum: time.Second, Termination: 12500 * time.Millisecond}}},
		"the status port of an annotation wins": {role: "router", env: map[string]string{"PROXY_CONFIG": `{"statusPort":15025}`},
			annotations: "a=\"x\"\nstatus.sidecar.istio.io/port=\"123\"\nz=\"y\"\n",
			want: Config{Envoy: true, Address: "127.0.0.1", Drain: usual,
				Ports: Ports{Outbound: 15001, Inbound: 15006, Status: 123, Ready: 15021, Stats: 15090}}},
		"a status port of 0 is none": {role: "router", annotations: "status.sidecar.istio.io/port=\"0\"",
			want: Config{Envoy: true, Address: "127.0.0.1", Drain: usual,
				Ports: Ports{NoStatus: true, Outbound: 15001, Inbound: 15006, Ready: 15021, Stats: 15090}}},
		"localhost, where the mesh says so": {role: "router",
			env:  map[string]string{"INSTANCE_IP": "10.0.0.1", "REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION": "true"},
			want: Config{Envoy: true, Ports: ports, Address: "127.0.0.1", Drain: usual}},
		"one target, with defaults": {role: "router",
			env:  map[string]string{"ISTIO_PROMETHEUS_ANNOTATIONS": `{"scrape":"true","path":"","port":"8080"}`},
			want: Config{Envoy: true, Ports: ports, Address: "127.0.0.1", Drain: usual, Scrape: []Target{{"8080", "/metrics"}}}},
		"several targets": {role: "router",
			env: map[string]string{"ISTIO_PROMETHEUS_ANNOTATIONS": `{"scrape":"true","path":"/a","port":"81","targets":[{"port":"81","path":"/a"},{"port":"82","path":"b"}]}`},
			want: Config{Envoy: true, Ports: ports, Address: "127.0.0.1", Drain: usual,
				Scrape: []Target{{"81", "/a"}, {"82", "/b"}}}},
		"no scraping": {role: "router",
			env:  map[string]string{"ISTIO_PROMETHEUS_ANNOTATIONS": `{"scrape":"false","path":"","port":"8080"}`},
			want: Config{Envoy: true, Ports: ports, Address: "127.0.0.1", Drain: usual}},
	} {
		t.Run(sentence, func(t *testing.T) {
			files := fstest.MapFS{}
			if c.annotations != "" {
				files["etc/istio/pod/annotations"] = &fstest.MapFile{Data: []byte(c.annotations)}
			}
			got, err := Load(c.role, func(name string) string { return c.env[name] }, files)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("config (-want +got):\n%s", d)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for want, c := range map[string]struct{ name, value, annotations string }{
		`ISTIO_KUBE_APP_PROBERS: "/app-health/a/livez": 0 actions, wanted one of httpGet, tcpSocket, grpc`: {
			name: "ISTIO_KUBE_APP_PROBERS", value: `{"/app-health/a/livez":{"timeoutSeconds":1}}`},
		`ISTIO_KUBE_APP_PROBERS: "/app-health/a/livez": no port`: {
			name: "ISTIO_KUBE_APP_PROBERS", value: `{"/app-health/a/livez":{"tcpSocket":{}}}`},
		`MINIMUM_DRAIN_DURATION: time: invalid duration "soon"`: {name: "MINIMUM_DRAIN_DURATION", value: "soon"},
		`EXIT_ON_ZERO_ACTIVE_CONNECTIONS: strconv.ParseBool: parsing "yes": invalid syntax`: {
			name: "EXIT_ON_ZERO_ACTIVE_CONNECTIONS", value: "yes"},
		`PROXY_CONFIG: invalid character 'd' looking for beginning of value`:      {name: "PROXY_CONFIG", value: "drainDuration: 5s"},
		`status.sidecar.istio.io/port: "x": no port, wanted a number up to 65535`: {annotations: `status.sidecar.istio.io/port="x"`},
	} {
		files := fstest.MapFS{"etc/istio/pod/annotations": &fstest.MapFile{Data: []byte(c.annotations)}}
		_, err := Load("sidecar", func(name string) string {
			if name == c.name {
				return c.value
			}
			return ""
		}, files)
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
