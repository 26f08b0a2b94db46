package check

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons why there is nobody to lead to.
const (
	noServer   = "no-server"
	noReplicas = "no-replicas"
)

// server looks whether there are replicas, and whether the Service leads to them.
func (c *Cluster) server(ctx context.Context, of Installation) []Finding {
	found := c.deployment(ctx, of)
	if found.Reason == noServer || found.Reason == noReplicas {
		return []Finding{found} // where the Service leads is no news then
	}
	return []Finding{found, c.endpoints(ctx, of)}
}

func (c *Cluster) deployment(ctx context.Context, of Installation) Finding {
	name := of.name("outrigger-injector")
	subject := fmt.Sprintf("deployment %q", of.Namespace+"/"+name)
	describe := fmt.Sprintf("kubectl -n %s describe pods -l %s", of.Namespace, of.selector())
	found, err := c.Kubernetes.AppsV1().Deployments(of.Namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return Finding{
			Check: "server", Level: Error, Reason: noServer, Text: subject + ": does not exist",
			Cure: "name the --namespace that the chart is installed in, or install it with server.create=true",
		}
	case err != nil:
		return Finding{Check: "server", Level: Warning, Reason: "not-read", Text: fmt.Sprintf("%s: %v", subject, err)}
	}
	ready, want := found.Status.ReadyReplicas, wanted(found)
	text := fmt.Sprintf("%s: %d of %d replicas are ready", subject, ready, want)
	switch {
	case want == 0:
		return Finding{
			Check: "server", Level: Error, Reason: noReplicas, Text: subject + ": is scaled to 0",
			Cure: fmt.Sprintf("kubectl -n %s scale deployment %s --replicas=2", of.Namespace, name),
		}
	case ready == 0:
		return Finding{Check: "server", Level: Error, Reason: "no-replica-ready", Text: text, Cure: describe}
	case ready < want:
		return Finding{Check: "server", Level: Warning, Reason: "replicas-missing", Text: text, Cure: describe}
	}
	return Finding{Check: "server", Level: OK, Text: text}
}

// wanted is how many replicas a Deployment asks for.
func wanted(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1 // Kubernetes' default
	}
	return *d.Spec.Replicas
}

func (c *Cluster) endpoints(ctx context.Context, of Installation) Finding {
	name := of.name("outrigger-injector")
	subject := fmt.Sprintf("service %q", of.Namespace+"/"+name)
	slices, err := c.Kubernetes.DiscoveryV1().EndpointSlices(of.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + name,
	})
	if err != nil {
		return Finding{Check: "server", Level: Warning, Reason: "not-read", Text: fmt.Sprintf("%s: %v", subject, err)}
	}
	ready := 0
	for _, slice := range slices.Items {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready == nil || *endpoint.Conditions.Ready {
				ready += len(endpoint.Addresses)
			}
		}
	}
	if ready == 0 {
		return Finding{
			Check: "server", Level: Error, Reason: "no-endpoints", Text: subject + ": leads nowhere: no replica behind it is ready",
			Cure: fmt.Sprintf("kubectl -n %s describe service,pods -l %s", of.Namespace, of.selector()),
		}
	}
	return Finding{Check: "server", Level: OK, Text: fmt.Sprintf("%s: leads to %d addresses", subject, ready)}
}
