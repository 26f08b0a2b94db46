package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
	"outrigger.dev/outrigger/internal/dryrun"
)

// An installation is how a revision is configured that is installed; its source has no
// injector yet.
type installation struct {
	dryrun.Source
	// obeysProxyConfigs says that its server reads ProxyConfig resources.
	obeysProxyConfigs bool
}

// installed reads the configuration of a revision in a namespace, and what its server is
// told by flags.
func installed(ctx context.Context, client kubernetes.Interface, system, revision string) (installation, error) {
	i := installation{Source: dryrun.Source{Settings: inject.Settings{Revision: revision, Env: map[string]string{}}}}
	arguments, err := serverArguments(ctx, client, system, revision)
	if err != nil {
		return i, err
	}
	i.obeysProxyConfigs = obeysProxyConfigs(arguments)
	for flag, name := range map[string]string{"native-sidecars": "ENABLE_NATIVE_SIDECARS", "platform": "PLATFORM", "compliance-policy": "COMPLIANCE_POLICY"} {
		if value := arguments[flag]; value != "" && value != "auto" {
			i.Settings.Env[name] = value
		}
	}
	from := interface {
		fmt.Stringer
		Now(context.Context) (cluster.Version, error)
	}(&cluster.ConfigMap{Client: client.CoreV1(), Namespace: system, Name: cluster.Revised("outrigger", revision)})
	if istio := arguments["istio-config"]; istio != "" {
		namespace, revision, _ := strings.Cut(istio, "/")
		from = &cluster.Istio{Client: client.CoreV1(), Namespace: namespace, Revision: revision}
	}
	now, err := from.Now(ctx)
	if err == nil {
		err = now.Err
	}
	if err != nil {
		return i, fmt.Errorf("%s: %w", from, err)
	}
	i.Sources, i.From = now.Sources, from.String()
	return i, nil
}

// serverArguments are the flags that the Deployment of a revision gives its server;
// none where there is no such Deployment, as where the server runs elsewhere.
func serverArguments(ctx context.Context, client kubernetes.Interface, system, revision string) (map[string]string, error) {
	deployment, err := client.AppsV1().Deployments(system).Get(ctx, cluster.Revised("outrigger-injector", revision), metav1.GetOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return argumentsOf(&deployment.Spec.Template.Spec), nil
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

// errNotRead is that something cannot be read in the time that there is for it.
var errNotRead = errors.New("cannot be read")

// knownProxyConfigs gives the ProxyConfig resources of a namespace that count for a
// revision; [errNotRead] where they cannot be read.
func knownProxyConfigs(ctx context.Context, client kubernetes.Interface, config *rest.Config, revision string) (func(string) []inject.ProxyConfig, error) {
	resources, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	served := discovery.ToServerResourcesInterfaceWithContext(client.Discovery())
	known := cluster.NewProxyConfigs(served, resources, revision, slog.New(slog.DiscardHandler))
	go known.Run(ctx)
	if !synced(ctx, known.Synced) {
		return nil, errNotRead
	}
	return known.In, nil
}
