package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
	"outrigger.dev/outrigger/internal/dryrun"
)

// offlineFlags are what there is in place of a cluster.
type offlineFlags struct {
	offline bool
	configuration
}

func (o *offlineFlags) add(f *pflag.FlagSet) {
	f.BoolVar(&o.offline, "offline", false, "ask no cluster, although there is a kubeconfig")
	f.StringVar(&o.config, "config", "", "`file` with policy, templates and selectors, in place of the cluster's or the default profile's")
	f.StringVar(&o.values, "values", "", "`file` with the values that templates read")
	f.StringVar(&o.mesh, "mesh-config", "", "`file` with the mesh configuration")
}

// A basis is what explanations are by: a cluster, or the default profile.
type basis struct {
	runner    *dryrun.Runner
	client    kubernetes.Interface // nil offline
	injector  *inject.Injector
	namespace string // of what names none
	say       io.Writer
}

// config is how the cluster is reached; nil where there is none to ask.
func (f *explainFlags) config() (*rest.Config, error) {
	if f.offline.offline || f.kube.nowhere() {
		return nil, nil
	}
	return f.kube.config()
}

// basis finds it.
func (f *explainFlags) basis(ctx context.Context, cmd *cobra.Command) (*basis, error) {
	b := &basis{
		namespace: cmp.Or(*f.kube.Namespace, inject.DefaultNamespace), say: cmd.ErrOrStderr(),
		runner: &dryrun.Runner{ChartWebhooks: dryrun.ChartWebhooks, Supported: cluster.NativeFor},
	}
	config, err := f.config()
	if err != nil {
		return nil, err
	}
	source := dryrun.Source{From: "the default profile", Settings: inject.Settings{Revision: cmp.Or(f.revision, defaultRevision), Env: map[string]string{}}}
	source.Sources.Config, source.Sources.Values, source.Sources.Mesh = charts.Default()
	b.runner.Cluster.Native = inject.Native{Supported: true, Why: "there is no cluster to ask"}.Everywhere
	if config != nil {
		if b.namespace, err = f.kube.namespace(); err != nil {
			return nil, err
		}
		if err := b.connect(ctx, config, f.system, &source); err != nil {
			return nil, err
		}
	}
	names, err := f.offline.replace(&source.Sources)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		source.From += ", with " + name
	}
	if b.injector, err = inject.New(source.Sources, source.Settings); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	source.Injector = b.injector
	b.runner.Source = func() dryrun.Source { return source }
	return b, nil
}

// connect takes from a cluster what there is to it: the configuration of the revision,
// what its server is told by flags, webhook configurations, namespaces and nodes.
func (b *basis) connect(ctx context.Context, config *rest.Config, system string, source *dryrun.Source) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	b.client = client
	arguments, err := serverArguments(ctx, client, system, source.Settings.Revision)
	if err != nil {
		return err
	}
	for flag, name := range map[string]string{"native-sidecars": "ENABLE_NATIVE_SIDECARS", "platform": "PLATFORM", "compliance-policy": "COMPLIANCE_POLICY"} {
		if value := arguments[flag]; value != "" && value != "auto" {
			source.Settings.Env[name] = value
		}
	}
	from := cluster.Source(&cluster.ConfigMap{Client: client.CoreV1(), Namespace: system, Name: revised("outrigger", source.Settings.Revision)})
	if istio := arguments["istio-config"]; istio != "" {
		namespace, revision, _ := strings.Cut(istio, "/")
		from = &cluster.Istio{Client: client.CoreV1(), Namespace: namespace, Revision: revision}
	}
	first, err := firstVersion(ctx, from)
	if err != nil {
		return err
	}
	source.Sources, source.From = first.Sources, from.String()
	surroundings := cluster.Surroundings{Client: client}
	b.runner.Cluster = dryrun.Cluster{
		Namespace: func(ctx context.Context, name string) (inject.Namespace, error) {
			found, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				err = dryrun.ErrNoNamespace
			}
			if err != nil {
				return inject.Namespace{}, err
			}
			return inject.Namespace{Name: name, Labels: found.Labels, Annotations: found.Annotations}, nil
		},
		Webhooks: surroundings.Webhooks, LimitRanges: surroundings.LimitRanges, Quotas: surroundings.Quotas,
		Native: knownNodes(ctx, client),
	}
	if obeysProxyConfigs(arguments) {
		b.runner.Cluster.ProxyConfigs, err = b.knownProxyConfigs(ctx, config, source.Settings.Revision)
	}
	return err
}

// serverArguments are the flags that the Deployment of a revision gives its server;
// none where there is no such Deployment, as where the server runs elsewhere.
func serverArguments(ctx context.Context, client kubernetes.Interface, system, revision string) (map[string]string, error) {
	deployment, err := client.AppsV1().Deployments(system).Get(ctx, revised("outrigger-injector", revision), metav1.GetOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return argumentsOf(&deployment.Spec.Template.Spec), nil
}

// firstVersion is the configuration that a source has now.
func firstVersion(ctx context.Context, from cluster.Source) (cluster.Version, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first := make(chan cluster.Version, 1)
	go from.Watch(ctx, func(v cluster.Version) {
		select {
		case first <- v:
		default:
		}
	})
	select {
	case version := <-first:
		if version.Err != nil {
			return version, hinted{fmt.Errorf("%s: %w", from, version.Err), "outrigger explain --offline -f FILE explains by the default profile"}
		}
		return version, nil
	case <-ctx.Done():
		return cluster.Version{}, fmt.Errorf("%s: cannot be read: %w", from, ctx.Err())
	}
}

// obeysProxyConfigs says whether a server with these flags reads ProxyConfig resources.
func obeysProxyConfigs(arguments map[string]string) bool {
	obeys := cmp.Or(arguments["proxy-configs"], "auto")
	return obeys == "true" || obeys == "auto" && arguments["istio-config"] != ""
}

// readTime is how long it may take to read what is only one part of an answer: who may
// not read it still gets the rest.
const readTime = 5 * time.Second

// synced waits until something is read, and says whether it came to that.
func synced(ctx context.Context, read func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	for !read() {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}

// knownNodes says what native sidecars "auto" means by the cluster's nodes.
func knownNodes(ctx context.Context, client kubernetes.Interface) func(spec podSpec) inject.Native {
	nodes := cluster.NewNodes(client)
	go nodes.Run(ctx)
	if !synced(ctx, nodes.Synced) {
		return inject.Native{Why: "the nodes cannot be read"}.Everywhere
	}
	return nodes.Native
}

// knownProxyConfigs gives the ProxyConfig resources of a namespace that count for a
// revision. It says so where they cannot be read, and gives none.
func (b *basis) knownProxyConfigs(ctx context.Context, config *rest.Config, revision string) (func(string) []inject.ProxyConfig, error) {
	resources, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	served := discovery.ToServerResourcesInterfaceWithContext(b.client.Discovery())
	known := cluster.NewProxyConfigs(served, resources, revision, slog.New(slog.DiscardHandler))
	go known.Run(ctx)
	if !synced(ctx, known.Synced) {
		fmt.Fprintln(b.say, "note: ProxyConfigs are not looked at: they cannot be read, and the server obeys them")
		return nil, nil
	}
	return known.In, nil
}

// revised is a name with the revision where that is not the default.
func revised(name, revision string) string {
	if revision == defaultRevision {
		return name
	}
	return name + "-" + revision
}
