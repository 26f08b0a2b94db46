package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"

	"outrigger.dev/outrigger/internal/cluster"
)

// kinds says which versions of networking.istio.io have which resources.
type kinds struct {
	mu     sync.Mutex
	served map[string]string
	err    error
}

func (k *kinds) set(served map[string]string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.served = served
}

func (k *kinds) ServerResourcesForGroupVersionWithContext(_ context.Context, version string) (*metav1.APIResourceList, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return nil, k.err
	}
	resource, ok := k.served[strings.TrimPrefix(version, "networking.istio.io/")]
	if !ok {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, version)
	}
	return &metav1.APIResourceList{APIResources: []metav1.APIResource{{Name: resource}}}, nil
}

// proxyConfig is a resource.
func proxyConfig(version, namespace, name, created string, spec any, labels map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "networking.istio.io/" + version, "kind": "ProxyConfig",
		"metadata": map[string]any{
			"namespace": namespace, "name": name, "creationTimestamp": created, "resourceVersion": "1", "labels": labels,
		},
		"spec": spec,
	}}
}

func proxyConfigClient(version string, objects ...runtime.Object) *fake.FakeDynamicClient {
	resource := schema.GroupVersionResource{Group: "networking.istio.io", Version: version, Resource: "proxyconfigs"}
	return fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{resource: "ProxyConfigList"}, objects...)
}

// known are what is known of namespaces: name and concurrency, -1 where that is
// not set, in order.
func known(p *cluster.ProxyConfigs, namespaces ...string) map[string][]string {
	found := map[string][]string{}
	for _, namespace := range namespaces {
		for _, c := range p.In(namespace) {
			concurrency := int32(-1)
			if set := c.Spec.GetConcurrency(); set != nil {
				concurrency = set.GetValue()
			}
			found[namespace] = append(found[namespace], fmt.Sprint(c.Name, " ", concurrency))
		}
	}
	return found
}

// runFor runs p in the bubble of a test, and gives it time.
func runFor(t *testing.T, p *cluster.ProxyConfigs) (settle func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return func() {
		time.Sleep(time.Minute) // the bubble's clock
		synctest.Wait()
	}
}

const (
	older = "2026-01-01T00:00:00Z"
	newer = "2026-01-02T00:00:00Z"
)

func TestProxyConfigsAreReadOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := proxyConfigClient("v1beta1",
			proxyConfig("v1beta1", "shop", "b-young", newer, map[string]any{"concurrency": int64(1)}, nil),
			proxyConfig("v1beta1", "shop", "z-old", older, map[string]any{"concurrency": int64(2), "later": "unknown"}, nil),
			proxyConfig("v1beta1", "shop", "a-young", newer, map[string]any{"concurrency": int64(3)}, nil),
			proxyConfig("v1beta1", "shop", "broken", older, map[string]any{"concurrency": "many"}, nil),
			proxyConfig("v1beta1", "shop", "elsewhere", older, nil, map[string]any{"istio.io/rev": "canary"}),
			proxyConfig("v1beta1", "shop", "here", newer, nil, map[string]any{"istio.io/rev": "default"}),
			proxyConfig("v1beta1", "istio-system", "all", older, map[string]any{"concurrency": int64(0)}, nil),
		)
		p := cluster.NewProxyConfigs(&kinds{served: map[string]string{"v1beta1": "proxyconfigs"}}, client, "", slog.New(slog.NewTextHandler(&log, nil)))
		if p.Synced() {
			t.Error("knows all before it has looked")
		}
		settle := runFor(t, p)
		settle()
		want := map[string][]string{
			"shop":         {"z-old 2", "a-young 3", "b-young 1", "here -1"},
			"istio-system": {"all 0"},
		}
		got := known(p, "shop", "istio-system", "elsewhere")
		if diff := cmp.Diff(want, got); diff != "" || !p.Synced() {
			t.Errorf("synced %t (-want +got):\n%s", p.Synced(), diff)
		}
		if n := strings.Count(log.String(), `msg="ProxyConfig left out" err="ProxyConfig shop/broken: `); n != 1 {
			t.Errorf("the broken one is complained of %d times, want once:\n%s", n, &log)
		}
	})
}

func TestProxyConfigsFollowChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := proxyConfigClient("v1", proxyConfig("v1", "shop", "one", older, map[string]any{"concurrency": int64(1)}, nil))
		// The group prefers v1 for other kinds: what counts is where this one is.
		p := cluster.NewProxyConfigs(&kinds{served: map[string]string{"v1": "proxyconfigs", "v1beta1": "proxyconfigs"}}, client, "", slog.New(slog.DiscardHandler))
		settle := runFor(t, p)
		settle()
		resources := client.Resource(schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "proxyconfigs"}).Namespace("shop")
		names := func() (all []string) {
			for _, c := range p.In("shop") {
				all = append(all, c.Name)
			}
			return all
		}
		held := p.In("shop")
		generation := p.Generation()
		for _, step := range []struct {
			what string
			do   func() error
			want []string
		}{
			{"another one", func() error {
				_, err := resources.Create(t.Context(), proxyConfig("v1", "shop", "two", newer, nil, nil), metav1.CreateOptions{})
				return err
			}, []string{"one", "two"}},
			{"one is broken", func() error {
				broken := proxyConfig("v1", "shop", "one", older, map[string]any{"image": "x"}, nil)
				broken.SetResourceVersion("2")
				_, err := resources.Update(t.Context(), broken, metav1.UpdateOptions{})
				return err
			}, []string{"two"}},
			{"the other is gone", func() error { return resources.Delete(t.Context(), "two", metav1.DeleteOptions{}) }, nil},
		} {
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			settle()
			if diff := cmp.Diff(step.want, names()); diff != "" || p.Generation() == generation {
				t.Errorf("%s: generation %d after %d (-want +got):\n%s", step.what, p.Generation(), generation, diff)
			}
			generation = p.Generation()
			settle()
			if p.Generation() != generation {
				t.Errorf("%s: another generation, and nothing has changed", step.what)
			}
		}
		if len(held) != 1 || held[0].Name != "one" || held[0].Spec.GetConcurrency().GetValue() != 1 {
			t.Errorf("what was given away has changed: %v", held)
		}
	})
}

// A cluster without the kind is a cluster without such resources, and its server
// is ready; with the kind they come, and they go with it.
func TestProxyConfigsWaitForTheKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		served := &kinds{served: map[string]string{"v1": "virtualservices"}}
		client := proxyConfigClient("v1beta1", proxyConfig("v1beta1", "shop", "one", older, nil, nil))
		p := cluster.NewProxyConfigs(served, client, "", slog.New(slog.NewTextHandler(&log, nil)))
		settle := runFor(t, p)
		settle()
		if !p.Synced() || p.In("shop") != nil {
			t.Errorf("without the kind: synced %t, %v", p.Synced(), p.In("shop"))
		}
		if n := strings.Count(log.String(), "no ProxyConfigs: this cluster does not have the kind"); n != 1 {
			t.Errorf("said %d times, want once:\n%s", n, &log)
		}
		generation := p.Generation()
		settle()
		if p.Generation() != generation {
			t.Error("another generation, and there is still no kind")
		}
		served.set(map[string]string{"v1": "virtualservices", "v1beta1": "proxyconfigs"})
		settle()
		if len(p.In("shop")) != 1 {
			t.Errorf("with the kind: %v, want one", p.In("shop"))
		}
	})
}

// A server that may not read them is not ready, and says why.
func TestProxyConfigsThatMayNotBeReadAreNotSynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := proxyConfigClient("v1beta1", proxyConfig("v1beta1", "shop", "one", older, nil, nil))
		var allowed atomic.Bool
		client.PrependReactor("list", "proxyconfigs", func(clienttesting.Action) (bool, runtime.Object, error) {
			return !allowed.Load(), nil, apierrors.NewForbidden(schema.GroupResource{Resource: "proxyconfigs"}, "", errors.New("no"))
		})
		p := cluster.NewProxyConfigs(&kinds{served: map[string]string{"v1beta1": "proxyconfigs"}}, client, "", slog.New(slog.NewTextHandler(&log, nil)))
		settle := runFor(t, p)
		settle()
		if p.Synced() {
			t.Error("synced, and none were read")
		}
		if n := strings.Count(log.String(), `msg="ProxyConfigs cannot be read" err="failed to list`) + strings.Count(log.String(), "forbidden"); n == 0 {
			t.Errorf("the log does not say why:\n%s", &log)
		}
		allowed.Store(true)
		settle()
		if !p.Synced() || len(p.In("shop")) != 1 {
			t.Errorf("once allowed: synced %t, %v", p.Synced(), p.In("shop"))
		}
	})
}
