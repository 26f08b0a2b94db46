package inject_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"outrigger.dev/outrigger/inject"
)

func TestInjected(t *testing.T) {
	for name, c := range map[string]struct {
		status           string
		containers, init []string
		want             bool
	}{
		"no status":                           {containers: []string{"app", "istio-proxy"}},
		"a container that the status names":   {`{"containers":["istio-proxy"]}`, []string{"app", "istio-proxy"}, nil, true},
		"a native sidecar":                    {`{"initContainers":["istio-init","istio-proxy"],"containers":null}`, []string{"app"}, []string{"istio-proxy"}, true},
		"a status that was copied alone":      {`{"initContainers":["istio-init"],"containers":["istio-proxy"]}`, []string{"app"}, nil, false},
		"templates that give no containers":   {`{"initContainers":null,"containers":null,"volumes":["logs"]}`, []string{"app"}, nil, true},
		"a status that nobody can read":       {`yes`, []string{"app"}, nil, true},
		"a volume of the name of a container": {`{"containers":["istio-proxy"],"volumes":["app"]}`, []string{"app"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: containersNamed(c.containers), InitContainers: containersNamed(c.init)}}
			if c.status != "" {
				pod.ObjectMeta = metav1.ObjectMeta{Annotations: map[string]string{inject.StatusAnnotation: c.status}}
			}
			if got := inject.Injected(pod); got != c.want {
				t.Errorf("injected is %t, want %t", got, c.want)
			}
		})
	}
}

func containersNamed(names []string) (containers []corev1.Container) {
	for _, name := range names {
		containers = append(containers, corev1.Container{Name: name})
	}
	return containers
}
