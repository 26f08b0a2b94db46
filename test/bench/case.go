package bench

import (
	"encoding/json"
	"fmt"
	"sync"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
)

// A Case is a pod, and what a server knows when it is asked about it.
type Case struct {
	Name string
	// Recording is the review's name in testdata.
	Recording string
	// Verdict is what becomes of it.
	Verdict inject.Verdict
	Setup   func() (Setup, error)
	// Reinvoked says that it is the second call for the pod: see [Setup.Reinvoke].
	Reinvoked bool
}

// Prepare returns what the case needs.
func (c Case) Prepare() (Setup, Recording, error) {
	setup, err := c.Setup()
	if err != nil {
		return Setup{}, Recording{}, err
	}
	recording, err := Record(c.Recording)
	if err == nil && c.Reinvoked {
		recording, err = setup.Reinvoke(recording)
	}
	return setup, recording, err
}

// Skips are reviews of pods that are not injected, each for another reason.
func Skips() []Case {
	return []Case{
		{"label", "opted-out", inject.Skip, standard, false},
		{"namespace", "deployment-1", inject.Skip, in(inject.Namespace{Name: "shop"}), false},
		{"system-namespace", "deployment-1", inject.Skip, in(inject.Namespace{Name: "kube-system"}), false},
		{"selector", "deployment-1", inject.Skip, avoiding, false},
	}
}

// Workloads are reviews of ordinary pods, by what made them.
func Workloads() []Case {
	return []Case{
		{"deployment", "deployment-1", inject.Inject, standard, false},
		{"statefulset", "statefulset", inject.Inject, standard, false},
		{"job", "job", inject.Inject, standard, false},
		{"bare", "bare", inject.Inject, standard, false},
		{"reinvoked", "deployment-1", inject.Inject, standard, true},
	}
}

// Modes are the kinds of sidecars, but for the native one, which [Workloads] get.
func Modes() []Case {
	return []Case{
		{"classic", "deployment-1", inject.Inject, classic, false},
		{"hold", "hold", inject.Inject, classic, false},
		{"cni", "deployment-1", inject.Inject, withCNI, false},
		{"tproxy", "tproxy", inject.Inject, standard, false},
		{"gateway", "gateway", inject.Inject, standard, false},
		{"grpc-agent", "grpc-agent", inject.Inject, standard, false},
		{"grpc-simple", "grpc-simple", inject.Inject, standard, false},
	}
}

// Shapes are pods of so many containers with so many variables each.
func Shapes() []Case {
	var all []Case
	for _, shape := range []struct{ containers, env int }{{1, 5}, {1, 40}, {1, 2000}, {10, 5}, {10, 40}, {100, 5}} {
		name := fmt.Sprintf("containers-%d-env-%d", shape.containers, shape.env)
		all = append(all, Case{name, name, inject.Inject, standard, false})
	}
	return all
}

// enabled is a namespace whose pods are injected.
var enabled = inject.Namespace{Name: "shop", Labels: map[string]string{"istio-injection": "enabled"}}

// standard is the chart's default profile on nodes with native sidecars.
func standard() (Setup, error) { return in(enabled)() }

// in is standard in another namespace.
func in(namespace inject.Namespace) func() (Setup, error) {
	return func() (Setup, error) {
		injector, err := defaultProfile()
		return Setup{Injector: injector, Namespace: namespace, Native: true}, err
	}
}

// classic is standard on older nodes.
func classic() (Setup, error) {
	s, err := standard()
	s.Native = false
	return s, err
}

// avoiding is standard with a selector that matches every pod of an application.
func avoiding() (Setup, error) {
	injector, err := avoidingProfile()
	return Setup{Injector: injector, Namespace: enabled, Native: true}, err
}

// withCNI is standard with Istio's CNI plugin.
func withCNI() (Setup, error) {
	injector, err := profileWithCNI()
	return Setup{Injector: injector, Namespace: enabled, Native: true}, err
}

// A configuration is proven when it is read, which takes longer than a benchmark:
// each is read once.
var (
	defaultProfile  = sync.OnceValues(func() (*inject.Injector, error) { return profile(nil) })
	avoidingProfile = sync.OnceValues(func() (*inject.Injector, error) {
		return profile(func(s *inject.Sources) error {
			s.Config = []byte("policy: enabled\nneverInjectSelector: [{matchExpressions: [{key: app, operator: Exists}]}]\n")
			return nil
		})
	})
	profileWithCNI = sync.OnceValues(func() (*inject.Injector, error) {
		return profile(func(s *inject.Sources) (err error) {
			s.Values, err = setTrue(s.Values, "pilot", "cni", "enabled")
			return err
		})
	})
)

// profile reads the chart's default profile with a change.
func profile(change func(*inject.Sources) error) (*inject.Injector, error) {
	var s inject.Sources
	s.Config, s.Values, s.Mesh = charts.Default()
	if change != nil {
		if err := change(&s); err != nil {
			return nil, err
		}
	}
	return inject.New(s, inject.Settings{})
}

// setTrue sets a value that is there.
func setTrue(values []byte, path ...string) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(values, &all); err != nil {
		return nil, err
	}
	at := all
	for _, key := range path[:len(path)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("values: no %q in the default profile", key)
		}
		at = next
	}
	at[path[len(path)-1]] = true
	return json.Marshal(all)
}
