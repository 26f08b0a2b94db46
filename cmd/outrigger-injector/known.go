package main

import (
	"context"
	"log/slog"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/internal/cluster"
	"outrigger.dev/outrigger/internal/webhook"
)

// A cache is something of the cluster that is kept in memory.
type cache interface {
	Run(ctx context.Context)
	// Synced says whether all that there was at the start is known.
	Synced() bool
}

// generations is one number for several: none of them ever counts down.
func generations(all []func() uint64) func() uint64 {
	return func() (sum uint64) {
		for _, generation := range all {
			sum += generation()
		}
		return sum
	}
}

// newKnown is what is known of the cluster where pods are decided about, and the
// caches that it is read from: namespaces, and where the flags have us watch them
// nodes and ProxyConfigs.
func newKnown(o *options, config *rest.Config, client cluster.Client, log *slog.Logger) (webhook.Cluster, map[string]cache, error) {
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return webhook.Cluster{}, nil, err
	}
	namespaces, err := cluster.NewNamespaces(metadataClient)
	if err != nil {
		return webhook.Cluster{}, nil, err
	}
	known, caches := webhook.Cluster{Namespaces: namespaces}, map[string]cache{"namespaces": namespaces}
	var of []func() uint64
	if o.nativeSidecars == auto { // otherwise the flag decides
		nodes := cluster.NewNodes(client)
		known.Native, caches["nodes"] = nodes.Native, nodes
		of = append(of, nodes.Generation)
	}
	if o.obeysProxyConfigs() {
		resources, err := dynamic.NewForConfig(config)
		if err != nil {
			return webhook.Cluster{}, nil, err
		}
		served := discovery.ToServerResourcesInterfaceWithContext(client.Discovery())
		proxyConfigs := cluster.NewProxyConfigs(served, resources, o.revision, log)
		known.ProxyConfigs, caches["proxyconfigs"] = proxyConfigs.In, proxyConfigs
		of = append(of, proxyConfigs.Generation)
	}
	known.Generation = generations(of)
	return known, caches, nil
}
