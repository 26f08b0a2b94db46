// Package cluster is the Kubernetes API as the few small things that the server
// needs of it: what namespaces are labelled, what the nodes run, where the
// configuration is and what was its last good version, and where an authority
// and a CA bundle are kept. Each takes only the client, and needs only the
// rights, of its own job.
//
// What decides about pods reads from memory. The one question that goes to the
// API server on the way of an admission is [Namespaces.Live].
package cluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Connect returns how to reach the API server: by the current context of a
// kubeconfig, or where there is none as the pod that we run in.
func Connect(kubeconfig, userAgent string) (*rest.Config, error) {
	config, err := connect(kubeconfig)
	if err != nil {
		return nil, err
	}
	config.UserAgent = userAgent
	// The API server bounds its clients itself, and a look-up that waited behind a
	// bound of ours would be too late for the pod that it is for.
	config.QPS = -1
	// Nodes are large, and in protobuf a third of what they are in JSON.
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	return config, nil
}

func connect(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("not in a cluster: %w; name a file with --kubeconfig", err)
		}
		return config, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %q: %w", kubeconfig, err)
	}
	return config, nil
}
