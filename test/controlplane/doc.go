// Package controlplane runs a real Kubernetes control plane for tests and for people: etcd,
// kube-apiserver, kube-controller-manager and kube-scheduler, and kwok in the place of the
// kubelets. It needs Go and a Unix machine, neither root nor a container engine nor, once
// built, a network.
//
//	func TestMain(m *testing.M) {
//		cluster, err := controlplane.Start(context.Background(), controlplane.Options{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		code := m.Run()
//		cluster.Stop()
//		os.Exit(code)
//	}
//
// # What is real
//
// Requests pass the authentication, RBAC and admission of a real cluster: all plugins that
// are on by default, among them ServiceAccount, LimitRanger, PodSecurity, ResourceQuota and
// the webhooks and policies. The controllers that make pods of Deployments, Jobs and the
// rest are real, and so is the scheduler.
//
// A webhook is reached by its URL on this machine, or by a Service whose EndpointSlice (for
// an API server as old as 1.30 its Endpoints) names an address of this machine. It cannot
// name 127.0.0.1: Kubernetes refuses that.
//
// # What is played
//
// No container runs. A pod that is bound to a node is Running and Ready at once, with an
// address that nobody answers, its init containers done and the restartable ones ready. The
// pod of a Job, and one that is a hook of a Helm release, then ends with 0. An ordinary
// container named istio-proxy does not end, as it would not on a real node, so that such a
// Job hangs. There are no logs, and nothing to exec into.
//
// The nodes say that they run the kubelet of the API server's version.
//
// # Building
//
// The first [Start] builds the programs, which takes seven to ten minutes on two cores:
// more than go test allows by default. Build them before, with the command in
// cmd/controlplane. See the package binaries on where they are kept.
//
// # Ending
//
// [ControlPlane.Stop] returns when every process has gone. Where it is not called they go
// all the same, with the process that called [Start]: a test that panics or is killed
// leaves nothing behind.
//
// Several control planes run side by side, in one process or in many. Each has a port, an
// authority and a folder of its own.
package controlplane
