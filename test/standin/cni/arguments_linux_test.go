// Inside of package main: a plugin's command line is no more than the runtime's.
package main

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestArguments(t *testing.T) {
	injected := map[string]string{"sidecar.istio.io/status": "{}"}
	user := int64(2000)
	proxy := corev1.Container{Name: "istio-proxy", Args: []string{"proxy", "sidecar"},
		SecurityContext: &corev1.SecurityContext{RunAsUser: &user}}
	for name, c := range map[string]struct {
		annotations map[string]string
		init, apps  []corev1.Container
		want        string
	}{
		"no sidecar":       {annotations: nil, apps: []corev1.Container{proxy}, want: "no"},
		"no proxy":         {annotations: injected, apps: []corev1.Container{{Name: "logs"}}, want: "no"},
		"a gateway":        {annotations: injected, apps: []corev1.Container{{Name: "istio-proxy", Args: []string{"proxy", "router"}}}, want: "no"},
		"its own rules":    {annotations: injected, init: []corev1.Container{{Name: "istio-init"}, proxy}, want: "no"},
		"nothing at all":   {annotations: with(injected, "sidecar.istio.io/interceptionMode", "NONE"), init: []corev1.Container{proxy}, want: "no"},
		"a native sidecar": {annotations: injected, init: []corev1.Container{proxy}, want: "-u 2000 -d 15020,15021,15090"},
		"a classic one":    {annotations: injected, apps: []corev1.Container{proxy}, want: "-u 2000 -d 15020,15021,15090"},
		"ports and ranges": {annotations: with(with(injected, "traffic.sidecar.istio.io/excludeInboundPorts", "9000"),
			"traffic.sidecar.istio.io/includeOutboundIPRanges", "*"), init: []corev1.Container{proxy},
			want: "-u 2000 -d 15020,15021,15090,9000 -i *"},
	} {
		t.Run(name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: c.annotations},
				Spec: corev1.PodSpec{InitContainers: c.init, Containers: c.apps}}
			args, wanted := arguments(pod)
			got := strings.Join(args, " ")
			if !wanted {
				got = "no"
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// with is a copy with one more.
func with(annotations map[string]string, key, value string) map[string]string {
	more := map[string]string{key: value}
	for k, v := range annotations {
		more[k] = v
	}
	return more
}
