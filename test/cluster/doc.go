// Package cluster runs a Kubernetes cluster with one real node, for tests and for people: the
// control plane of the package controlplane, and a kubelet, kube-proxy and containerd that run
// pods. It needs root and Linux, and a few Debian packages instead of a container engine;
// [Missing] says what a machine lacks, and the command in cmd/cluster installs it.
//
//	var c *cluster.Cluster
//
//	func TestMain(m *testing.M) {
//		if len(cluster.Missing()) == 0 {
//			var err error
//			if c, err = cluster.Start(context.Background(), cluster.Options{}); err != nil {
//				log.Fatal(err)
//			}
//		}
//		code := m.Run()
//		if c != nil {
//			c.Stop()
//		}
//		os.Exit(code)
//	}
//
//	func TestPod(t *testing.T) {
//		if c == nil {
//			t.Skip("needs a cluster: ", cluster.Missing())
//		}
//		...
//	}
//
// A [Cluster] is a [controlplane.ControlPlane] with all of its methods (Config, Client,
// Kubeconfig, Kubectl, Apply, AuditEvents) and a node. To it come, for images,
// [ImageStore.Build], [ImageStore.BuildGo] and [ImageStore.Load], and [Cluster.RestartKubelet]. The package
// outrigger installs Outrigger in it.
//
// # What works
//
// Pods, with all that a kubelet does: probes, init containers and native sidecars, hooks,
// logs, exec, port-forward, restarts, volumes. Pods reach each other, Services, the API
// server and this machine at 10.245.0.1. This machine reaches pods and Services at their
// addresses: the API server a webhook by its Service, and a person by curl. kube-proxy runs in
// its nftables mode; the API server does not route around it.
//
// # What does not
//
//   - There is no cluster DNS. Pods find Services by their address, by the variables
//     NAME_SERVICE_HOST that the kubelet sets, or by hostAliases.
//   - Pods reach nothing beyond this machine, and no registry is asked: an image has to be
//     loaded, and a pod must not say imagePullPolicy: Always.
//   - There is one node, named node, no storage class and no load balancer.
//   - A pod with hostUsers: false needs a newer containerd than Debian 12 has.
//
// # The node
//
// The node is what a container would be: processes in namespaces of their own, with folders of
// their own, at the other end of a network link. Even its keeper is this program, which starts
// itself once more: a program that imports this package is the keeper of a node, and nothing
// else, where the environment variable OUTRIGGER_TEST_NODE says so. The package internal/node
// has the details.
//
// The network of pods is a link for each, which the node routes (the CNI plugin ptp), not a
// bridge: so the kernel sees every packet between two pods and applies the rules of
// kube-proxy, which on a bridge depends on br_netfilter.
//
// # Ending
//
// [Cluster.Stop] returns when all has gone: processes, containers, mounts, cgroups, network,
// rules of nftables and folders. Where it is not called all goes the same way, a few seconds
// after the process that called [Start]: a test that panics or is killed leaves nothing
// behind. The machine's own settings below /proc/sys are not changed at any time.
//
// There is one cluster on a machine at a time, since its addresses and its folder,
// /var/lib/outrigger-cluster, have fixed names. [Start] waits for another to go, up to
// ten minutes, and then says that there is one.
package cluster
