// Package tunnel leads from a port of this machine to one of a pod's, through the API
// server: what "kubectl port-forward" does. It reaches what listens on the pod's loopback
// alone.
package tunnel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	//lint:ignore SA1019 client-go's portforward takes no other
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/klog/v2"
	streaming "k8s.io/streaming/pkg/httpstream" // whose errors they are
)

// host is where a tunnel begins: nobody but this machine gets in.
const host = "127.0.0.1"

// A Pod is where a tunnel ends, at a port of it.
type Pod struct {
	Namespace, Name string
	Port            int
}

// A Tunnel is open until its context ends, or the pod does.
type Tunnel struct {
	// Address is where it begins, like "127.0.0.1:40123".
	Address string

	done chan error
}

// Open opens a tunnel to a pod, from a port of this machine; from a free one where that
// is 0. Its error is the API server's where that one says no. It needs the right to
// create pods/portforward.
func Open(ctx context.Context, config *rest.Config, from int, to Pod) (*Tunnel, error) {
	address := net.JoinHostPort(host, fmt.Sprint(from))
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err // says it better than the forwarder
	}
	free.Close()
	upgrading, err := dialer(config, to)
	if err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	// Its log is about single connections: who made them sees for itself.
	quiet := klog.NewContext(ctx, logr.Discard())
	forwarder, err := portforward.NewOnAddressesWithContext(quiet, upgrading, []string{host}, []string{fmt.Sprintf("%d:%d", from, to.Port)}, ready, io.Discard, io.Discard)
	if err != nil {
		return nil, err
	}
	t := &Tunnel{done: make(chan error, 1)}
	go func() { t.done <- forwarder.ForwardPorts() }()
	select {
	case err := <-t.done:
		return nil, cmp.Or(upgrading.err, err, ctx.Err())
	case <-ready:
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return nil, err
	}
	t.Address = net.JoinHostPort(host, fmt.Sprint(ports[0].Local))
	return t, nil
}

// Wait returns when the tunnel has ended: nil where its context did, and an error where
// the pod, or the way to it, is lost.
func (t *Tunnel) Wait() error { return <-t.done }

// A keeping dialer keeps its error, of which the forwarder makes a text.
type keeping struct {
	httpstream.Dialer
	err error
	// refused is what the API server said no with to a WebSocket, in its own type.
	refused error
}

func (k *keeping) Dial(protocols ...string) (connection httpstream.Connection, protocol string, err error) {
	connection, protocol, err = k.Dialer.Dial(protocols...)
	if err != nil && k.refused != nil {
		err = k.refused
	}
	k.err = err
	return connection, protocol, err
}

// dialer asks by a WebSocket first, and by SPDY where the API server, or a proxy before
// it, knows none, as before Kubernetes 1.31; there the two may need other rights.
func dialer(config *rest.Config, to Pod) (*keeping, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	at := client.CoreV1().RESTClient().Post().Namespace(to.Namespace).Resource("pods").Name(to.Name).SubResource("portforward").URL()
	old, err := spdyDialer(config, at)
	if err != nil {
		return nil, err
	}
	tunneling, err := portforward.NewSPDYOverWebsocketDialer(at, config)
	if err != nil {
		return nil, err
	}
	k := new(keeping)
	k.Dialer = portforward.NewFallbackDialer(tunneling, old, func(err error) bool {
		var failed *streaming.UpgradeFailureError
		if errors.As(err, &failed) && apierrors.IsForbidden(failed.Cause) {
			k.refused = failed.Cause
		}
		return failed != nil || streaming.IsHTTPSProxyError(err)
	})
	return k, nil
}

func spdyDialer(config *rest.Config, at *url.URL) (httpstream.Dialer, error) {
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, at), nil
}
