package inject

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	meshconfig "istio.io/api/mesh/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	"k8s.io/apimachinery/pkg/util/validation"
	"outrigger.dev/outrigger/templates"
)

// defaultProxyConfig is Istio's code default. It is not changed.
var defaultProxyConfig = templates.DefaultMesh().GetDefaultConfig()

// proxyConfigRules are what a ProxyConfig has to be like, field by field
// (ValidateMeshConfigProxyConfig in Istio's pkg/config/validation/agent), and that
// what templates paste into YAML is no more than a value there.
var proxyConfigRules = []struct {
	field string
	check func(*meshconfig.ProxyConfig) error
}{
	{"configPath", func(c *meshconfig.ProxyConfig) error { return notEmpty(c.ConfigPath) }},
	{"binaryPath", func(c *meshconfig.ProxyConfig) error { return notEmpty(c.BinaryPath) }},
	{"serviceCluster", checkClusterName},
	{"drainDuration", func(c *meshconfig.ProxyConfig) error { return wholeSeconds(c.DrainDuration) }},
	{"discoveryAddress", func(c *meshconfig.ProxyConfig) error { return address(c.DiscoveryAddress) }},
	{"tracing", checkTracing},
	{"statsdUdpAddress", func(c *meshconfig.ProxyConfig) error { return addressOrNone(c.StatsdUdpAddress) }},
	{"envoyMetricsServiceAddress", func(c *meshconfig.ProxyConfig) error {
		//lint:ignore SA1019 it is deprecated, and still read
		return addressOrNone(c.EnvoyMetricsServiceAddress)
	}},
	{"envoyMetricsService.address", func(c *meshconfig.ProxyConfig) error {
		return addressOrNone(c.GetEnvoyMetricsService().GetAddress())
	}},
	{"envoyAccessLogService.address", func(c *meshconfig.ProxyConfig) error {
		return addressOrNone(c.GetEnvoyAccessLogService().GetAddress())
	}},
	{"proxyAdminPort", func(c *meshconfig.ProxyConfig) error { return portNumber(c.ProxyAdminPort) }},
	{"statusPort", func(c *meshconfig.ProxyConfig) error { return portNumber(c.StatusPort) }},
	{"controlPlaneAuthPolicy", func(c *meshconfig.ProxyConfig) error {
		return knownNumber(c.ControlPlaneAuthPolicy, meshconfig.AuthenticationPolicy_name)
	}},
	{"interceptionMode", func(c *meshconfig.ProxyConfig) error {
		return knownNumber(c.InterceptionMode, meshconfig.ProxyConfig_InboundInterceptionMode_name)
	}},
	{"privateKeyProvider", checkPrivateKeyProvider},
	{"connectionSettings", checkConnectionSettings},
	{"proxyMetadata", func(c *meshconfig.ProxyConfig) error { return checkMetadata(c.ProxyMetadata) }},
}

// checkProxyConfig says all that is wrong with a ProxyConfig at once.
func checkProxyConfig(c *meshconfig.ProxyConfig) error {
	var wrong []string
	for _, rule := range proxyConfigRules {
		if err := rule.check(c); err != nil {
			wrong = append(wrong, rule.field+": "+err.Error())
		}
	}
	if len(wrong) > 0 {
		return errors.New(strings.Join(wrong, "; "))
	}
	return nil
}

func notEmpty(value string) error {
	if value == "" {
		return errors.New("is empty, wanted a value")
	}
	return nil
}

// variableName is what the API server takes for the name of a variable, less what
// means something else in YAML.
var variableName = regexp.MustCompile(`^[-._a-zA-Z][-._a-zA-Z0-9]*$`)

// checkMetadata refuses variables that templates, which paste them between double
// quotes, would make something else of.
func checkMetadata(variables map[string]string) error {
	for _, name := range sortedStrings(variables) {
		if !variableName.MatchString(name) {
			return fmt.Errorf("%q is no name of a variable, wanted letters, digits, '-', '_' and '.'", short(name))
		}
		if err := plain(strings.ReplaceAll(variables[name], "'", "")); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func checkClusterName(c *meshconfig.ProxyConfig) error {
	switch name := c.GetClusterName().(type) {
	case *meshconfig.ProxyConfig_ServiceCluster:
		return notEmpty(name.ServiceCluster)
	case *meshconfig.ProxyConfig_TracingServiceName_:
		return nil
	}
	return errors.New("is not there, wanted it or tracingServiceName")
}

// wholeSeconds is for what Istio hands on in seconds.
func wholeSeconds(d *durationpb.Duration) error {
	if d.AsDuration() < time.Second || d.AsDuration()%time.Second != 0 {
		return fmt.Errorf("%q is no number of seconds, wanted 1s or more", d.AsDuration())
	}
	return nil
}

func portNumber(port int32) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("%d is no port, wanted 1 to 65535", port)
	}
	return nil
}

func knownNumber[E ~int32](value E, names map[int32]string) error {
	if _, known := names[int32(value)]; !known {
		return fmt.Errorf("%d is unknown", value)
	}
	return nil
}

func addressOrNone(value string) error {
	if value == "" {
		return nil
	}
	return address(value)
}

// address checks HOST:PORT, the host a DNS name or an IP address.
func address(value string) error {
	host, port, err := net.SplitHostPort(value)
	if err == nil && portText(port) && (dnsName(host) || ip(host)) {
		return nil
	}
	return fmt.Errorf("%q is no address, wanted one like zipkin.istio-system:9411", short(value))
}

// agentAddress is an address in which the agent fills in its host's.
func agentAddress(value string) error {
	return address(strings.Replace(value, "$(HOST_IP)", "127.0.0.1", 1))
}

func portText(value string) bool { return port(value) == nil && strings.Trim(value, "0") != "" }

func ip(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// dnsName takes DNS-1123 labels in either case, and a dot at the end. Four numbers
// are an IP address, or nothing.
func dnsName(host string) bool {
	host = strings.TrimSuffix(host, ".")
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if len(validation.IsDNS1123Label(strings.ToLower(label))) > 0 {
			return false
		}
	}
	return len(host) <= 255 && strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

func checkTracing(c *meshconfig.ProxyConfig) error {
	tracing := c.GetTracing()
	for name, tag := range tracing.GetCustomTags() {
		if tag == nil {
			return fmt.Errorf("customTags: %q is null, wanted a tag", short(name))
		}
	}
	if err := checkTLS(tracing.GetTlsSettings()); err != nil {
		return fmt.Errorf("tlsSettings: %w", err)
	}
	switch tracer := tracing.GetTracer().(type) {
	case *meshconfig.Tracing_Zipkin_:
		return under("zipkin.address", agentAddress(tracer.Zipkin.GetAddress()))
	case *meshconfig.Tracing_Datadog_:
		return under("datadog.address", agentAddress(tracer.Datadog.GetAddress()))
	case *meshconfig.Tracing_Lightstep_:
		return errors.Join(
			under("lightstep.address", address(tracer.Lightstep.GetAddress())),
			under("lightstep.accessToken", notEmpty(tracer.Lightstep.GetAccessToken())))
	}
	return nil
}

// under says where in a message a fault is.
func under(field string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", field, err)
}

func checkTLS(s *networking.ClientTLSSettings) error {
	if ca := s.GetCaCertificates(); strings.ContainsAny(ca, " #:") || plain(ca) != nil {
		return fmt.Errorf("caCertificates: %q is no path that a template can paste", short(ca))
	}
	mode := s.GetMode()
	simple, mutual := mode == networking.ClientTLSSettings_SIMPLE, mode == networking.ClientTLSSettings_MUTUAL
	files := s.GetClientCertificate() != "" || s.GetCaCertificates() != "" || s.GetPrivateKey() != "" || s.GetCaCrl() != ""
	verified := s.GetCaCertificates() != "" || s.GetSubjectAltNames() != nil || simple && s.GetCredentialName() != ""
	switch {
	case strings.HasPrefix(s.GetCredentialName(), "configmap://"):
		return errors.New("credentialName: a ConfigMap cannot be named here, wanted the name of a Secret")
	case (simple || mutual) && s.GetInsecureSkipVerify().GetValue() && verified:
		return errors.New("insecureSkipVerify: is true where there is something to verify with, wanted one of them")
	case (simple || mutual) && s.GetCredentialName() != "" && files:
		return errors.New("credentialName: is set beside files, wanted one of them")
	case mutual && s.GetCredentialName() == "" && (s.GetClientCertificate() == "" || s.GetPrivateKey() == ""):
		return errors.New("mode: MUTUAL wants clientCertificate and privateKey")
	}
	return nil
}

func checkPrivateKeyProvider(c *meshconfig.ProxyConfig) error {
	if c.GetPrivateKeyProvider() == nil {
		return nil
	}
	var delay *durationpb.Duration
	switch provider := c.GetPrivateKeyProvider().GetProvider().(type) {
	case *meshconfig.PrivateKeyProvider_Cryptomb:
		delay = provider.Cryptomb.GetPollDelay()
	case *meshconfig.PrivateKeyProvider_Qat:
		delay = provider.Qat.GetPollDelay()
	default:
		return errors.New("names no provider, wanted cryptomb or qat")
	}
	if delay.AsDuration() == 0 {
		return errors.New("pollDelay: is not there or zero, wanted a time")
	}
	return nil
}

// connectionMinima are the least that numbers of connectionSettings may be.
var connectionMinima = map[string]int32{
	"listenerPerConnectionBufferLimitBytes": 0,
	"clusterPerConnectionBufferLimitBytes":  0,
	"httpMaxConcurrentStreams":              1,
	"http2InitialStreamWindowSize":          65535, // RFC 9113, 6.9.2
	"http2InitialConnectionWindowSize":      65535,
	"listenerConnectionLimit":               1,
	"globalDownstreamConnectionLimit":       1,
}

// checkConnectionSettings checks every number that is there against its least,
// and that no time is negative.
func checkConnectionSettings(c *meshconfig.ProxyConfig) (err error) {
	c.GetConnectionSettings().ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() == nil {
			return true
		}
		name := field.JSONName()
		switch v := value.Message().Interface().(type) {
		case *durationpb.Duration:
			if v.AsDuration() < 0 {
				err = fmt.Errorf("%s: %v is negative, wanted 0s or more", name, v.AsDuration())
			}
		case *wrapperspb.Int32Value:
			if least, ok := connectionMinima[name]; ok && v.GetValue() < least {
				err = fmt.Errorf("%s: %d is too little, wanted %d or more", name, v.GetValue(), least)
			}
		}
		return err == nil
	})
	return err
}
