package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

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

// clusterFlags say how a cluster is reached, and where Outrigger is in it.
type clusterFlags struct {
	kubeconfig, context, namespace, system string
}

func (c *clusterFlags) add(f *pflag.FlagSet) {
	f.StringVarP(&c.namespace, "namespace", "n", "", "`namespace` of what names none")
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "`file` that says how to reach the cluster")
	f.StringVar(&c.context, "context", "", "`name` of the kubeconfig's context")
	f.StringVar(&c.system, "system-namespace", "outrigger-system", "`namespace` that Outrigger is installed in")
}

// config is how the cluster is reached, and the namespace of the context; it is nil
// where there is no kubeconfig, and none was asked for.
func (c *clusterFlags) config() (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.context})
	config, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) && c.kubeconfig == "" && c.context == "" {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	namespace, _, err := loader.Namespace()
	return config, namespace, err
}

// A basis is what explanations are by: a cluster, or the default profile.
type basis struct {
	runner    *dryrun.Runner
	client    kubernetes.Interface // nil offline
	injector  *inject.Injector
	namespace string // of what names none
}

// basis finds it.
func (f *explainFlags) basis(ctx context.Context, cmd *cobra.Command) (*basis, error) {
	b := &basis{namespace: f.cluster.namespace, runner: &dryrun.Runner{ChartWebhooks: dryrun.ChartWebhooks, Supported: cluster.NativeFor}}
	config, namespace, err := (*rest.Config)(nil), "", error(nil)
	if !f.offline.offline {
		if config, namespace, err = f.cluster.config(); err != nil {
			return nil, err
		}
	}
	b.namespace = cmp.Or(b.namespace, namespace, inject.DefaultNamespace)
	source := dryrun.Source{From: "the default profile", Settings: inject.Settings{Revision: cmp.Or(f.revision, defaultRevision), Env: map[string]string{}}}
	source.Sources.Config, source.Sources.Values, source.Sources.Mesh = charts.Default()
	b.runner.Cluster.Native = inject.Native{Supported: true, Why: "there is no cluster to ask"}.Everywhere
	if config != nil {
		if err := b.connect(ctx, config, f.cluster.system, &source); err != nil {
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
	config.UserAgent = "outrigger/" + version()
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
	return nil
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
	out := map[string]string{}
	for _, container := range deployment.Spec.Template.Spec.Containers {
		for _, argument := range slices.Concat(container.Command, container.Args) {
			if name, value, ok := strings.Cut(strings.TrimLeft(argument, "-"), "="); ok {
				out[name] = value
			}
		}
	}
	return out, nil
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

// nodesTime is how long nodes may take to be read: who may not read them still gets
// an answer.
const nodesTime = 5 * time.Second

// knownNodes says what native sidecars "auto" means by the cluster's nodes.
func knownNodes(ctx context.Context, client kubernetes.Interface) func(spec podSpec) inject.Native {
	nodes := cluster.NewNodes(client)
	go nodes.Run(ctx)
	patience, cancel := context.WithTimeout(ctx, nodesTime)
	defer cancel()
	for !nodes.Synced() {
		select {
		case <-patience.Done():
			return inject.Native{Why: "the nodes cannot be read"}.Everywhere
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nodes.Native
}

// revised is a name with the revision where that is not the default.
func revised(name, revision string) string {
	if revision == defaultRevision {
		return name
	}
	return name + "-" + revision
}

var errNoCluster = errors.New("there is no kubeconfig")
