package inject

import (
	"fmt"
	"strconv"
	"strings"
)

// defaultProxyID is the proxy's user and group where nothing else is known.
const defaultProxyID = 1337

// OpenShift's annotations on a namespace: the blocks that its users and groups
// come from.
const (
	uidRangeAnnotation = "openshift.io/sa.scc.uid-range"
	groupsAnnotation   = "openshift.io/sa.scc.supplemental-groups"
)

// proxyIDs are the user and group that the proxy runs as. On OpenShift they
// are the last of the namespace's blocks, which applications, given the first,
// do not have (pkg/kube/inject/openshift.go in Istio).
func (in *Injector) proxyIDs(ns Namespace) (uid, gid int64) {
	if in.env["PLATFORM"] != "openshift" {
		return defaultProxyID, defaultProxyID
	}
	uid, gid = defaultProxyID, defaultProxyID
	if last, err := lastOfBlock(ns.Annotations[uidRangeAnnotation]); err == nil {
		uid, gid = last, last
	}
	first, _, _ := strings.Cut(ns.Annotations[groupsAnnotation], ",")
	if last, err := lastOfBlock(first); err == nil {
		gid = last
	}
	return uid, gid
}

// lastOfBlock reads "start/size" or "start-end".
func lastOfBlock(block string) (int64, error) {
	if start, size, ok := strings.Cut(block, "/"); ok {
		from, err := strconv.ParseInt(start, 10, 64)
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseInt(size, 10, 64)
		return from + n - 1, err
	}
	if _, end, ok := strings.Cut(block, "-"); ok {
		return strconv.ParseInt(end, 10, 64)
	}
	return 0, fmt.Errorf("%q is no block, wanted start/size or start-end", block)
}
