package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/analyze"
)

// errNotInstalled says that there is no Outrigger in a cluster.
var errNotInstalled = errors.New("there is no webhook configuration of Outrigger's in this cluster")

// gcPercent has the heap grow by so much between collections, not by its own size as Go
// does by default: what is kept of a large cluster is most of the memory.
const gcPercent = 20

// A lookout is a cluster that is looked at.
type lookout struct {
	config *rest.Config
	client kubernetes.Interface
	// system is the namespace that Outrigger is in.
	system string
	// configuration has files in the place of what is installed.
	configuration configuration
}

// lookout connects, for many questions: the API server bounds its clients itself. It
// says which namespace is named, or else that of the context.
func (k kubeFlags) lookout(system string) (*lookout, string, error) {
	config, err := k.config()
	if err != nil {
		return nil, "", err
	}
	config.QPS = -1
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	namespace, err := k.namespace()
	if err != nil {
		return nil, "", err
	}
	client, err := kubernetes.NewForConfig(config)
	return &lookout{config: config, client: client, system: system}, namespace, err
}

// scene reads what the cluster has in a namespace, or where that is "" in all, the
// namespaces also, and how the revisions are configured that are installed. What may not
// be read is in its Unseen.
func (l *lookout) scene(ctx context.Context, namespace string, also []string, progress func(string, int)) (*analyze.Scene, error) {
	debug.SetGCPercent(gcPercent)
	scene, err := analyze.Cluster{Client: l.client, Namespace: namespace, Also: also, Revision: defaultRevision, Progress: progress}.Gather(ctx)
	if err != nil {
		return nil, err
	}
	if len(scene.Revisions()) == 0 {
		return nil, hinted{errNotInstalled, "outrigger install"}
	}
	obeying := ""
	for _, revision := range scene.Revisions() {
		if l.addInjector(ctx, scene, revision) {
			obeying = cmp.Or(obeying, revision)
		}
	}
	scene.Native = inject.Native{Why: "the nodes cannot be read"}.Everywhere
	if l.may(ctx, scene, "nodes", func(o metav1.ListOptions) error { _, err := l.client.CoreV1().Nodes().List(ctx, o); return err }) {
		scene.Native = knownNodes(ctx, l.client)
	}
	if obeying == "" {
		return scene, nil
	}
	return scene, l.addProxyConfigs(ctx, scene, obeying)
}

// addInjector adds the injector of a revision that is installed to a scene, and says whether
// it obeys ProxyConfigs. Of one that cannot be had the pods are unseen.
func (l *lookout) addInjector(ctx context.Context, scene *analyze.Scene, revision string) (obeys bool) {
	in, obeys, err := l.injector(ctx, revision)
	if err != nil {
		scene.Unseen = append(scene.Unseen, analyze.Unseen{Resource: fmt.Sprintf("pods of revision %q", revision), Err: err})
		return false
	}
	scene.Injectors = append(scene.Injectors, in)
	return obeys
}

// addProxyConfigs adds those that a revision obeys to a scene; where they cannot be read
// they are unseen.
func (l *lookout) addProxyConfigs(ctx context.Context, scene *analyze.Scene, revision string) (err error) {
	scene.ProxyConfigs, err = knownProxyConfigs(ctx, l.client, l.config, revision)
	if errors.Is(err, errNotRead) {
		scene.Unseen, err = append(scene.Unseen, analyze.Unseen{Resource: "proxyconfigs", Err: err}), nil
	}
	return err
}

// injector is that of a revision which is installed, and whether it obeys ProxyConfigs.
func (l *lookout) injector(ctx context.Context, revision string) (in *inject.Injector, obeys bool, err error) {
	i, err := installed(ctx, l.client, l.system, revision)
	if err != nil {
		return nil, false, err
	}
	if _, err := l.configuration.replace(&i.Sources); err != nil {
		return nil, false, err
	}
	if in, err = inject.New(i.Sources, i.Settings); err != nil {
		return nil, false, inEach(i.From, err)
	}
	return in, i.obeysProxyConfigs, nil
}

// may says whether objects of a resource may be listed; otherwise they are unseen.
func (l *lookout) may(ctx context.Context, scene *analyze.Scene, resource string, list func(metav1.ListOptions) error) bool {
	err := list(metav1.ListOptions{Limit: 1})
	if apierrors.IsForbidden(err) {
		scene.Unseen = append(scene.Unseen, analyze.Unseen{Resource: resource, Err: err})
	}
	return err == nil
}

// readingProgress shows on a terminal what is being read, on one line; clear takes it away.
func readingProgress(w io.Writer) (progress func(string, int), clear func()) {
	if !onTerminal(w) {
		return nil, func() {}
	}
	counts := map[string]int{}
	return func(resource string, count int) {
			counts[resource] = count
			fmt.Fprintf(w, "\r\x1b[Kreading: %d pods, %d namespaces, %s", counts["pods"], counts["namespaces"], resource)
		}, func() {
			fmt.Fprint(w, "\r\x1b[K")
		}
}

// sayUnseen notes what could not be read, a line each.
func sayUnseen(w io.Writer, all []analyze.Unseen) {
	var said []string
	for _, u := range all {
		if text := u.Error(); !slices.Contains(said, text) {
			said = append(said, text)
			fmt.Fprintf(w, "note: %s\n", printable(text))
		}
	}
}
