// Package standin is test equipment: a stand-in for Istio's proxy image, and an
// application to put beside it. With them a test on a real node sees what an
// injected pod does, from counters, without the images of a mesh.
//
// The stand-in honours the contract between an injected pod and its image, that
// is the arguments, environment, probes, ports and hooks that the built-in
// templates write, and nothing more. It is no mesh: it speaks to no control plane,
// has no certificates and understands no protocol. Its parts:
//
//	pilot-agent   the program of the image, of that name because the templates call it so
//	redirect      istio-iptables: rules that send a pod's connections to the proxy
//	passthrough   the proxy: passes connections on to where they were going, and counts them
//	agent         proxy sidecar and proxy router: the proxy, probes, metrics, drain
//	cni           a CNI plugin that sets the rules in the place of an init container
//	app           the application: a server, a client and a writer of logs
//
// The tests in this folder run the programs in network namespaces that vanish with
// the test.
package standin
