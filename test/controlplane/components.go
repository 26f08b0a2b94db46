package controlplane

import (
	_ "embed"
	"net"
	"os"
	"strconv"

	"outrigger.dev/outrigger/test/controlplane/binaries"
)

// ServiceRange is the addresses of Services, PodRange those of pods; each node has a part of
// it.
const (
	ServiceRange = "10.96.0.0/16"
	PodRange     = "10.244.0.0/16"
)

// serviceAddress is the address of the Service kubernetes: the first of them.
var serviceAddress = net.IPv4(10, 96, 0, 1)

// auditPolicy says what the API server writes into its audit log.
//
//go:embed audit-policy.yaml
var auditPolicy []byte

// stages say what kwok plays in the place of a kubelet.
//
//go:embed stages.yaml
var stages []byte

// etcdSocket is where etcd listens. It is a socket in etcd's working directory, which the
// API server shares: no port to find, and nobody else's to reach. A relative path, because
// etcd takes no other, and a full one may be too long.
const etcdSocket = "unix://etcd.sock"

// writeInputs writes the files that the flags below name.
func (c *ControlPlane) writeInputs() error {
	for name, text := range map[string][]byte{"audit-policy.yaml": auditPolicy, "stages.yaml": stages} {
		if err := os.WriteFile(c.file("config", name), text, 0o644); err != nil {
			return err
		}
	}
	return writeKeys(c.file("pki"), c.authority, c.address)
}

// startStore starts etcd. What it stores need not survive a power cut.
func (c *ControlPlane) startStore(paths binaries.Paths) error {
	const peers = "unix://peers.sock"
	return c.group.start(paths.Etcd,
		"--name=controlplane", "--data-dir=data", "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+etcdSocket, "--advertise-client-urls="+etcdSocket,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers,
		"--initial-cluster=controlplane="+peers)
}

// startServer starts kube-apiserver with the admission plugins that are on by default, and
// NodeRestriction, as kubeadm does.
func (c *ControlPlane) startServer(paths binaries.Paths, extra []string) error {
	args := []string{
		"--etcd-servers=" + etcdSocket,
		"--bind-address=" + c.address.String(),
		"--advertise-address=" + c.address.String(),
		"--secure-port=" + strconv.Itoa(c.port.number),
		"--permit-port-sharing", // see port
		"--tls-cert-file=" + c.file("pki", "apiserver.crt"),
		"--tls-private-key-file=" + c.file("pki", "apiserver.key"),
		"--client-ca-file=" + c.file("pki", "ca.crt"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + c.file("pki", "service-accounts.key"),
		"--service-account-signing-key-file=" + c.file("pki", "service-accounts.key"),
		"--service-cluster-ip-range=" + ServiceRange,
		"--allow-privileged",
		"--kubelet-client-certificate=" + c.file("pki", "kubelet-client.crt"),
		"--kubelet-client-key=" + c.file("pki", "kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP", // a node's name need not resolve
		// A webhook's Service is reached by its endpoints: there is no kube-proxy.
		"--enable-aggregator-routing=true",
		"--audit-policy-file=" + c.file("config", "audit-policy.yaml"),
		"--audit-log-path=" + c.auditLog(),
		"--audit-log-maxsize=4096", // in MB; more would go on in another file
	}
	if c.address.IsLoopback() {
		// The Service kubernetes can have no such address behind it. Nobody needs it: no
		// pod runs that could reach the API server that way.
		args = append(args, "--endpoint-reconciler-type=none")
	}
	return c.group.start(paths.APIServer, append(args, extra...)...)
}

// startControllers starts kube-controller-manager with every controller that it runs by
// default, each with its own ServiceAccount and so with the rights that it has anywhere.
func (c *ControlPlane) startControllers(paths binaries.Paths) error {
	kubeconfig, err := c.writeUser(c.file("pki", "controller-manager"), "system:kube-controller-manager")
	if err != nil {
		return err
	}
	return c.group.start(paths.ControllerManager,
		"--kubeconfig="+kubeconfig,
		"--leader-elect=false",
		"--secure-port=0",
		"--use-service-account-credentials",
		"--service-account-private-key-file="+c.file("pki", "service-accounts.key"),
		"--root-ca-file="+c.file("pki", "ca.crt"),
		"--cluster-signing-cert-file="+c.file("pki", "ca.crt"),
		"--cluster-signing-key-file="+c.file("pki", "ca.key"),
		"--service-cluster-ip-range="+ServiceRange,
		// Where it is by default it would be made, by whoever may, in the machine's own /usr.
		"--flex-volume-plugin-dir="+c.file("config", "volumeplugins"),
		// At the pace it keeps by default it needs five seconds for its ServiceAccounts
		// before it does anything else.
		"--kube-api-qps=1000", "--kube-api-burst=1000",
	)
}

// startScheduler starts kube-scheduler.
func (c *ControlPlane) startScheduler(paths binaries.Paths) error {
	kubeconfig, err := c.writeUser(c.file("pki", "scheduler"), "system:kube-scheduler")
	if err != nil {
		return err
	}
	return c.group.start(paths.Scheduler, "--kubeconfig="+kubeconfig, "--leader-elect=false", "--secure-port=0",
		"--kube-api-qps=1000", "--kube-api-burst=1000")
}

// startKubelets starts kwok, which plays the kubelet of every node.
func (c *ControlPlane) startKubelets(paths binaries.Paths) error {
	kubeconfig, err := c.writeUser(c.file("pki", "kwok"), "kwok", "system:masters")
	if err != nil {
		return err
	}
	return c.group.start(paths.Kwok,
		"--kubeconfig="+kubeconfig,
		"--config="+c.file("config", "stages.yaml"),
		"--manage-all-nodes",
		"--node-lease-duration-seconds=40",
		"--cidr="+PodRange,
	)
}
