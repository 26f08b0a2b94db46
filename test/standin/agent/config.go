// Package agent is what runs in the istio-proxy container of a pod, played: the
// proxy, the application's probes, merged metrics, readiness and drain. It is test
// equipment, and honours what the built-in templates pass, no more.
package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Config is what a pod's template, and its author, tell the agent.
type Config struct {
	// Capture is false for a gateway, and where the application speaks to the
	// mesh itself: then there is no proxy, only the agent. Without Envoy, nor its ports.
	Capture bool
	Envoy   bool
	Ports   Ports
	// Address is where the application is asked for its health: the pod's.
	Address string
	// Probers are the application's probes, by the path they are asked for with.
	Probers map[string]Prober
	// Scrape is where the application's metrics are. It may be nowhere.
	Scrape []Target
	Drain  Drain
}

// Ports are where the agent listens. A status port of 0 is none; in tests it is
// any, as for the others.
type Ports struct {
	Outbound, Inbound    uint16
	Status, Ready, Stats uint16
	NoStatus             bool
}

// podinfo is where the templates mount the pod's annotations.
const podinfo = "/etc/istio/pod/annotations"

// Load reads the configuration of a container that runs "proxy sidecar" or "proxy
// router", the role, from its environment and its files.
func Load(role string, env func(string) string, files fs.FS) (Config, error) {
	c := Config{
		Envoy:   env("DISABLE_ENVOY") != "true",
		Ports:   Ports{Outbound: 15001, Inbound: 15006, Status: 15020, Ready: 15021, Stats: 15090},
		Address: address(env),
	}
	c.Capture = c.Envoy && role == "sidecar"
	var bad []error
	for variable, read := range map[string]func(string) error{
		"PROXY_CONFIG":                    c.proxyConfig,
		"ISTIO_KUBE_APP_PROBERS":          c.probers,
		"ISTIO_PROMETHEUS_ANNOTATIONS":    c.scrape,
		"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": c.exitOnZero,
		"MINIMUM_DRAIN_DURATION":          c.minimumDrain,
	} {
		if err := read(env(variable)); err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", variable, err))
		}
	}
	if err := c.annotations(files); err != nil {
		bad = append(bad, err)
	}
	return c, errors.Join(bad...)
}

func address(env func(string) string) string {
	if env("REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION") == "true" || env("INSTANCE_IP") == "" {
		return "127.0.0.1"
	}
	return env("INSTANCE_IP")
}

// proxyConfig reads what is wanted of Istio's ProxyConfig. Durations are written
// as protobuf writes them.
func (c *Config) proxyConfig(text string) error {
	c.Drain.Termination = 5 * time.Second
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var config struct {
		StatusPort               *uint16
		TerminationDrainDuration json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	if config.StatusPort != nil {
		c.statusPort(*config.StatusPort)
	}
	if config.TerminationDrainDuration != nil {
		var d durationpb.Duration
		if err := protojson.Unmarshal(config.TerminationDrainDuration, &d); err != nil {
			return fmt.Errorf("terminationDrainDuration: %w", err)
		}
		c.Drain.Termination = d.AsDuration()
	}
	return nil
}

func (c *Config) probers(text string) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &c.Probers); err != nil {
		return err
	}
	for path, p := range c.Probers {
		if err := p.check(); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
	}
	return nil
}

func (c *Config) exitOnZero(text string) (err error) {
	if text != "" {
		c.Drain.ExitOnZero, err = strconv.ParseBool(text)
	}
	return err
}

func (c *Config) minimumDrain(text string) (err error) {
	c.Drain.Minimum = 5 * time.Second
	if text != "" {
		c.Drain.Minimum, err = time.ParseDuration(text)
	}
	return err
}

// annotations reads the status port that the pod's author asked for. The file has
// a line for each annotation: its key, and its value quoted.
func (c *Config) annotations(files fs.FS) error {
	text, err := fs.ReadFile(files, podinfo[1:])
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		quoted, found := strings.CutPrefix(line, "status.sidecar.istio.io/port=")
		if !found {
			continue
		}
		value, err := strconv.Unquote(strings.TrimSpace(quoted))
		if err != nil {
			return fmt.Errorf("%s: %q: %w", podinfo, line, err)
		}
		port, err := strconv.ParseUint(strings.TrimSpace(value), 10, 16)
		if err != nil {
			return fmt.Errorf("status.sidecar.istio.io/port: %q: no port, wanted a number up to 65535", value)
		}
		c.statusPort(uint16(port))
	}
	return nil
}

func (c *Config) statusPort(port uint16) {
	c.Ports.Status = port
	c.Ports.NoStatus = port == 0
}
