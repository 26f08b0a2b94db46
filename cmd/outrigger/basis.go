package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/analyze"
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
	lookout   *lookout             // nil offline, and so is client
	client    kubernetes.Interface // the lookout's
	unseen    []analyze.Unseen     // of the cluster
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
	b.client, b.lookout = client, &lookout{config: config, client: client, system: system}
	installation, err := installed(ctx, client, system, source.Settings.Revision)
	if err != nil {
		return hinted{err, "outrigger explain --offline -f FILE explains by the default profile"}
	}
	*source = installation.Source
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
	if !installation.obeysProxyConfigs {
		return nil
	}
	known, err := knownProxyConfigs(ctx, client, config, source.Settings.Revision)
	if errors.Is(err, errNotRead) {
		fmt.Fprintln(b.say, "note: ProxyConfigs are not looked at: they cannot be read, and the server obeys them")
		b.unseen = append(b.unseen, analyze.Unseen{Resource: "proxyconfigs", Err: err})
		return nil
	}
	b.runner.Cluster.ProxyConfigs = known
	return err
}
