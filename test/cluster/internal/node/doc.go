// Package node runs what a node is made of in namespaces of their own: mounts, processes,
// network, host name and IPC. It is what a container would be, without a container engine.
//
// The first process in them is this very program, started once more: the keeper. It starts
// the node's programs when it is told to over a pipe, and ends the node when that pipe
// closes, whoever closed it: [Node.Stop], or the kernel because the program that started the
// node is gone. So there is one way to end, and a crash takes it too:
//
//   - the keeper kills every other process in its namespace and waits for them, the
//     containers and the shims between them included, since none can leave it;
//   - it removes the cgroups and the folders;
//   - it ends, and the kernel takes away the mounts, the network interfaces, the rules of
//     nftables and the names of network namespaces, because nobody else can see them.
//
// If even the keeper is killed, the kernel kills the processes of its namespace at once; only
// empty cgroups and a folder are left, and the next node removes them before it starts.
//
// # What the node sees
//
// The machine's files, but for three folders: /var/lib and /var/log are the node's own, on
// disk, and /run is in memory. So everything has its usual place (/var/lib/kubelet,
// /run/containerd/containerd.sock) and none of it is the machine's. A few files below
// /proc/sys are covered by what the kubelet would write into them: those that hold for the
// whole machine, whose settings are nobody's to change for a test.
package node
