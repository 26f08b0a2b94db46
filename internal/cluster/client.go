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
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	admissionregistrationv1 "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	appsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"
	authenticationv1 "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationv1 "k8s.io/client-go/kubernetes/typed/authorization/v1"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	discoveryv1 "k8s.io/client-go/kubernetes/typed/discovery/v1"
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

// A Client has the groups of the API that the server uses. A kubernetes.Interface is
// one. What [NewClient] returns lacks the other fifty groups, and the server is a
// tenth smaller for it.
type Client interface {
	AdmissionregistrationV1() admissionregistrationv1.AdmissionregistrationV1Interface
	AppsV1() appsv1.AppsV1Interface
	AuthenticationV1() authenticationv1.AuthenticationV1Interface
	AuthorizationV1() authorizationv1.AuthorizationV1Interface
	CoordinationV1() coordinationv1.CoordinationV1Interface
	CoreV1() corev1.CoreV1Interface
	DiscoveryV1() discoveryv1.DiscoveryV1Interface
	Discovery() discovery.DiscoveryInterfaces
}

// NewClient returns a Client, all groups of which share their connections. Nothing is
// asked of the API server.
func NewClient(config *rest.Config) (Client, error) {
	shared, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	var errs [8]error
	var c client
	c.admissionregistration, errs[0] = admissionregistrationv1.NewForConfigAndClient(config, shared)
	c.authentication, errs[1] = authenticationv1.NewForConfigAndClient(config, shared)
	c.authorization, errs[2] = authorizationv1.NewForConfigAndClient(config, shared)
	c.coordination, errs[3] = coordinationv1.NewForConfigAndClient(config, shared)
	c.core, errs[4] = corev1.NewForConfigAndClient(config, shared)
	c.discovery, errs[5] = discovery.NewDiscoveryClientForConfigAndClient(config, shared)
	c.apps, errs[6] = appsv1.NewForConfigAndClient(config, shared)
	c.slices, errs[7] = discoveryv1.NewForConfigAndClient(config, shared)
	return c, errors.Join(errs[:]...)
}

type client struct {
	admissionregistration *admissionregistrationv1.AdmissionregistrationV1Client
	apps                  *appsv1.AppsV1Client
	authentication        *authenticationv1.AuthenticationV1Client
	authorization         *authorizationv1.AuthorizationV1Client
	coordination          *coordinationv1.CoordinationV1Client
	core                  *corev1.CoreV1Client
	slices                *discoveryv1.DiscoveryV1Client
	discovery             *discovery.DiscoveryClient
}

func (c client) AdmissionregistrationV1() admissionregistrationv1.AdmissionregistrationV1Interface {
	return c.admissionregistration
}
func (c client) AppsV1() appsv1.AppsV1Interface { return c.apps }
func (c client) AuthenticationV1() authenticationv1.AuthenticationV1Interface {
	return c.authentication
}
func (c client) AuthorizationV1() authorizationv1.AuthorizationV1Interface { return c.authorization }
func (c client) CoordinationV1() coordinationv1.CoordinationV1Interface    { return c.coordination }
func (c client) CoreV1() corev1.CoreV1Interface                            { return c.core }
func (c client) DiscoveryV1() discoveryv1.DiscoveryV1Interface             { return c.slices }
func (c client) Discovery() discovery.DiscoveryInterfaces                  { return c.discovery }
