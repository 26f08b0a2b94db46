package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/internal/cluster"
)

// options are the flags.
type options struct {
	version bool
	// check is to look whether the installation works, and not to serve.
	check          bool
	checkNamespace string
	checkWait      time.Duration

	webhookAddress, healthAddress, metricsAddress string
	// dryRunAddress is "" for none.
	dryRunAddress string

	namespace, revision  string
	configMap, configDir string
	istioConfig          string
	istio                istiod
	proxyConfigs         string
	kubeconfig           string

	certificates          string
	authoritySecret       string
	leafLife              time.Duration
	certificate           string
	certificateSecret     string
	webhookConfigurations list
	service               string
	dnsNames              list
	certDir               string

	nativeSidecars   string
	platform         string
	compliancePolicy string

	shutdownDelay       time.Duration
	connectionAge       time.Duration
	canary              bool
	detector            bool
	detectorLease       string
	detectorInterval    time.Duration
	events, lastGood    bool
	logLevel, logFormat string
}

// An istiod is where one has its configuration: a namespace, and the revision that
// the names there end in, "" for none. The zero value is none.
type istiod struct {
	namespace, revision string
}

// A list is a flag that may be given more than once.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

const usage = `Usage: outrigger-injector [flags]

Outrigger's server: a mutating admission webhook that adds sidecars to pods.
Its chart starts it with the right flags; outside of a cluster it needs
--kubeconfig, and --dns-name with the host that the webhook's url names.

Names end in -REVISION where --revision is given and not "default".

`

// parse reads the flags. For --help it writes them to out.
func parse(args []string, out io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("outrigger-injector", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.BoolVar(&o.version, "version", false, "\tprint the version and exit")
	f.BoolVar(&o.check, "check", false, "\tdo not serve, but look whether the installation in --namespace of --revision works, print what is found, and exit: with 79 where something is wrong")
	f.StringVar(&o.checkNamespace, "check-namespace", "", "NAMESPACE\twithout labels, that --check asks for a pod in, on a dry run, where the entry canary is switched off (default one that it finds)")
	f.DurationVar(&o.checkWait, "check-wait", 30*time.Second, "TIME\tthat --check looks again for, until nothing is wrong; 0 for one look")
	f.StringVar(&o.webhookAddress, "webhook-address", ":9443", "ADDRESS\twhere the webhook listens, with TLS, at /inject")
	f.StringVar(&o.healthAddress, "health-address", ":8081", "ADDRESS\twhere /healthz and /readyz are")
	f.StringVar(&o.metricsAddress, "metrics-address", ":8080", "ADDRESS\twhere /metrics is")
	f.StringVar(&o.dryRunAddress, "dry-run-address", "127.0.0.1:8082", "ADDRESS\twhere POST /dryrun says what would become of a pod, and why; empty for nowhere; reachable from elsewhere, it has TLS, and asks the API server whether callers may")
	f.StringVar(&o.namespace, "namespace", "outrigger-system", "NAMESPACE\tof the server, its configuration and what it keeps")
	f.StringVar(&o.revision, "revision", "", "REVISION\tthat is stamped on pods (default that of --istio-config, or else default)")
	f.StringVar(&o.configMap, "config-map", "", "NAME\tof the ConfigMap with the keys config, values and mesh (default outrigger)")
	f.StringVar(&o.configDir, "config-dir", "", "FOLDER\twith the files config, values and mesh, in place of the ConfigMap")
	f.StringVar(&o.istioConfig, "istio-config", "", "NAMESPACE[/REVISION]\tof an istiod, to be configured by its ConfigMaps istio-sidecar-injector and istio in place of ours")
	f.StringVar(&o.proxyConfigs, "proxy-configs", auto, "auto|true|false\tobey Istio's ProxyConfig resources; auto: with --istio-config")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "FILE\tthat says how to reach the API server; without one, as a pod does")
	f.StringVar(&o.certificates, "certificates", selfSigned, "selfSigned|certManager|files\tserve by an authority of our own, the pair that cert-manager puts in a Secret, or the pair in --cert-dir")
	f.StringVar(&o.authoritySecret, "authority-secret", "", "NAME\tof the Secret that keeps our own authority (default outrigger-injector-authority)")
	f.DurationVar(&o.leafLife, "leaf-life", certs.LeafLife, "TIME\tthat certificates of our own authority live; they are renewed after two thirds of it")
	f.StringVar(&o.certificate, "certificate", "", "NAME\tof the Certificate that cert-manager issues (default outrigger-injector)")
	f.StringVar(&o.certificateSecret, "certificate-secret", "", "NAME\tof the Secret that cert-manager writes (default outrigger-serving)")
	f.Var(&o.webhookConfigurations, "webhook-configuration", "NAME\tof a webhook configuration whose callers have to trust us; our own authority is written into it; repeatable (default outrigger-injector)")
	f.StringVar(&o.service, "service", "", "NAME\tof the Service that the API server calls (default outrigger-injector)")
	f.Var(&o.dnsNames, "dns-name", "NAME\tor address that we are called by besides; repeatable")
	f.StringVar(&o.certDir, "cert-dir", "/etc/outrigger/certificates", "FOLDER\twith tls.crt and tls.key")
	f.StringVar(&o.nativeSidecars, "native-sidecars", auto, "auto|true|false\tauto: as values.pilot.env of the configuration says, or else as the nodes can that a pod may land on")
	f.StringVar(&o.platform, "platform", "", "PLATFORM\tthat templates may ask for, like openshift")
	f.StringVar(&o.compliancePolicy, "compliance-policy", "", "POLICY\tthat templates may ask for, like fips-140-3")
	f.DurationVar(&o.shutdownDelay, "shutdown-delay", 5*time.Second, "TIME\tto serve on after SIGTERM, until callers have gone elsewhere")
	f.DurationVar(&o.connectionAge, "connection-age", 5*time.Minute, "TIME\tthat a caller may keep a connection, give or take a fifth; 0 for any")
	f.BoolVar(&o.canary, "canary", false, "\task the API server every 30 seconds, by a dry run of a pod in our namespace, whether it reaches the webhook; needs an entry canary in its configuration, and the right to create pods there")
	f.BoolVar(&o.detector, "detector", false, "\tlook for pods that should have a sidecar and have none, and report them; one replica does, that with the lease")
	f.StringVar(&o.detectorLease, "detector-lease", "", "NAME\tof the Lease that says which replica looks for missing sidecars (default outrigger-detector)")
	f.DurationVar(&o.detectorInterval, "detector-interval", 5*time.Minute, "TIME\tfrom one look at all pods to the next")
	f.BoolVar(&o.events, "events", true, "\tleave Events: a configuration that is refused, a CA bundle that somebody else owns, workloads whose pods are refused or have no sidecar although they should")
	f.BoolVar(&o.lastGood, "last-good", true, "\tkeep the last good configuration in the ConfigMap outrigger-last-good, to start from when the newest is broken")
	f.StringVar(&o.logLevel, "log-level", "info", "debug|info|warn|error\tthe least that is logged")
	f.StringVar(&o.logFormat, "log-format", "json", "json|text\thow it is logged")
	if err := f.Parse(args); err != nil {
		if err == flag.ErrHelp {
			printUsage(out, f)
		}
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("argument %q: want flags only", f.Arg(0))
	}
	if err := o.readIstio(); err != nil {
		return nil, err
	}
	o.settle()
	return o, o.refuse()
}

// readIstio takes --istio-config apart. It is in place of a configuration of our
// own, so that it stands alone.
func (o *options) readIstio() error {
	if o.istioConfig == "" {
		return nil
	}
	for _, other := range []struct{ name, value string }{{"config-map", o.configMap}, {"config-dir", o.configDir}} {
		if other.value != "" {
			return fmt.Errorf("--istio-config %q: --%s %q is another configuration, want one of the two", o.istioConfig, other.name, other.value)
		}
	}
	namespace, revision, revised := strings.Cut(o.istioConfig, "/")
	bad := len(validation.IsDNS1123Label(namespace)) > 0 || revised && len(validation.IsDNS1123Label(revision)) > 0
	if bad {
		return fmt.Errorf("--istio-config %q: want NAMESPACE or NAMESPACE/REVISION", o.istioConfig)
	}
	o.istio = istiod{namespace: namespace, revision: revision}
	return nil
}

// obeysProxyConfigs says whether ProxyConfig resources are watched.
func (o *options) obeysProxyConfigs() bool {
	return o.proxyConfigs == "true" || o.proxyConfigs == auto && o.istioConfig != ""
}

// printUsage lists the flags in the order of their names. A flag's usage is what
// it takes, a tab, and what for.
func printUsage(out io.Writer, f *flag.FlagSet) {
	fmt.Fprint(out, usage)
	f.VisitAll(func(f *flag.Flag) {
		value, text, _ := strings.Cut(f.Usage, "\t")
		if f.DefValue != "" && f.DefValue != "false" {
			text += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(out, "  --%s\n        %s\n", strings.TrimSpace(f.Name+" "+value), text)
	})
}

// The values of --certificates, and of --native-sidecars and --proxy-configs where
// they are neither true nor false.
const (
	selfSigned  = "selfSigned"
	certManager = "certManager"
	fromFiles   = "files"
	auto        = "auto"
)

// minLeafLife is how short a life of a certificate may be: one third of it is what
// there is to renew it in.
const minLeafLife = 10 * time.Second

// settle fills in the revision, and names that follow from it.
func (o *options) settle() {
	o.revision = cmp.Or(o.revision, o.istio.revision, "default")
	o.configMap = cmp.Or(o.configMap, o.revised("outrigger"))
	o.authoritySecret = cmp.Or(o.authoritySecret, o.revised("outrigger-injector-authority"))
	o.certificate = cmp.Or(o.certificate, o.revised("outrigger-injector"))
	o.certificateSecret = cmp.Or(o.certificateSecret, o.revised("outrigger-serving"))
	o.detectorLease = cmp.Or(o.detectorLease, o.revised("outrigger-detector"))
	o.service = cmp.Or(o.service, o.revised("outrigger-injector"))
	if len(o.webhookConfigurations) == 0 {
		o.webhookConfigurations = list{o.revised("outrigger-injector")}
	}
}

// revised is a name with the revision where that is not the default.
func (o *options) revised(name string) string {
	return cluster.Revised(name, o.revision)
}

// refuse is for values that would only show later, or not at all.
func (o *options) refuse() error {
	for _, choice := range []struct {
		name, value string
		want        []string
	}{
		{"certificates", o.certificates, []string{selfSigned, certManager, fromFiles}},
		{"native-sidecars", o.nativeSidecars, []string{auto, "true", "false"}},
		{"proxy-configs", o.proxyConfigs, []string{auto, "true", "false"}},
	} {
		if !slices.Contains(choice.want, choice.value) {
			return fmt.Errorf("--%s %q: want %s", choice.name, choice.value, strings.Join(choice.want, ", "))
		}
	}
	for _, time := range []struct {
		name        string
		value, want time.Duration
	}{
		{"leaf-life", o.leafLife, minLeafLife}, {"shutdown-delay", o.shutdownDelay, 0}, {"connection-age", o.connectionAge, 0},
		{"detector-interval", o.detectorInterval, time.Second}, {"check-wait", o.checkWait, 0},
	} {
		if time.value < time.want {
			return fmt.Errorf("--%s %s: want %s or more", time.name, time.value, time.want)
		}
	}
	for name, address := range map[string]string{
		"webhook-address": o.webhookAddress, "health-address": o.healthAddress, "metrics-address": o.metricsAddress,
		"dry-run-address": cmp.Or(o.dryRunAddress, ":0"),
	} {
		if !isAddress(address) {
			return fmt.Errorf("--%s %q: want HOST:PORT or :PORT", name, address)
		}
	}
	return nil
}

// isAddress says whether a text is an address to listen on.
func isAddress(text string) bool {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// env is what templates may read as environment.
func (o *options) env() map[string]string {
	env := map[string]string{}
	for name, value := range map[string]string{"PLATFORM": o.platform, "COMPLIANCE_POLICY": o.compliancePolicy} {
		if value != "" {
			env[name] = value
		}
	}
	if o.nativeSidecars != auto {
		env["ENABLE_NATIVE_SIDECARS"] = o.nativeSidecars
	}
	return env
}
