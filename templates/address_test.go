package templates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"outrigger.dev/outrigger/templates"
)

// TestAddresses: what fmt writes as the address of a pointer is refused, and all else
// is written as text/template writes it.
func TestAddresses(t *testing.T) {
	const refused = "a pointer has no text but its address, which is never the same: want a field of what it leads to"
	for sentence, test := range map[string]struct{ template, want string }{
		"a pointer that is printed is followed":           {`{{ .Spec.HostUsers }}`, "true"},
		"and by html, which prints in the same way":       {`{{ html .Spec.HostUsers }}`, "true"},
		"but not by print":                                {`{{ print .Spec.HostUsers }}`, refused},
		"nor by what adds text":                           {`{{ cat "a" .Spec.HostUsers }}`, refused},
		"nor by quotes":                                   {`{{ quote .Spec.HostUsers }}`, refused},
		"nor by single quotes":                            {`{{ squote .Spec.HostUsers }}`, refused},
		"nor where a text is asked for":                   {`{{ toString .Spec.HostUsers }}`, refused},
		"nor as a default":                                {`{{ annotation .ObjectMeta "a" .Spec.HostUsers }}`, refused},
		"nor in a list that is joined":                    {`{{ list .Spec.HostUsers | join "," }}`, refused},
		"nor sorted":                                      {`{{ index (list .Spec.HostUsers | sortAlpha) 0 }}`, refused},
		"nor as a key":                                    {`{{ dict .Spec.HostUsers 1 | keys }}`, refused},
		"a pointer may be a value":                        {`{{ $d := dict "of" .Spec.HostUsers }}{{ $d.of }}`, "true"},
		"but is not printed in a map":                     {`{{ dict "of" .Spec.HostUsers }}`, refused},
		"nor in a map in a map that has grown":            {`{{ $d := dict }}{{ $_ := set $d "e" (dict "d" $) }}{{ $d }}`, refused},
		"nor in a struct that print is given":             {`{{ print .Spec }}`, refused},
		"a struct of Kubernetes has a text":               {`{{ .Spec.SecurityContext }}`, "nil"},
		"the data is not printed":                         {`{{ . }}`, refused},
		"nor in a list of structs":                        {`{{ .Spec.Containers }}`, refused},
		"a missing value is no pointer":                   {`{{ .Values.none }}`, "<no value>"},
		"a value that has a text is fine":                 {`{{ .ObjectMeta.CreationTimestamp.UTC }}`, "2026-01-02 02:04:05 +0000 UTC"},
		"a text that only the pointer has, too":           {`{{ (index .Spec.Containers 0).Resources.Limits.Cpu }}`, "500m"},
		"a message of the mesh has a text":                {`{{ contains "10s" (print .MeshConfig.ConnectTimeout) }}`, "false"},
		"maps and lists of scalars are fine":              {`{{ dict "a" (list 1 "b" true) }}`, "map[a:[1 b true]]"},
		"%v takes a text":                                 {`{{ printf "%v" .ObjectMeta.CreationTimestamp.UTC.Month }}`, "January"},
		"%d of a number is fine":                          {`{{ printf "%5d%%" 7 }}`, "    7%"},
		"%x of a text is fine":                            {`{{ printf "%x" "a" }}`, "61"},
		"%T is a type":                                    {`{{ printf "%T" 1 }}`, "int"},
		"%x of a pointer is its address":                  {`{{ printf "%x" .Spec.HostUsers }}`, refused},
		"%#v asks for no text":                            {`{{ printf "%#v" .ObjectMeta.CreationTimestamp.UTC }}`, `time.Date(2026, time.January, 2, 2, 4, 5, 0, time.UTC)`},
		"%d asks for no text of a time":                   {`{{ printf "%d" .ObjectMeta.CreationTimestamp }}`, refused},
		"%p is nothing but an address":                    {`{{ printf "%p" . }}`, "%p: " + refused},
		"and with a width":                                {`{{ printf "%-[1]20p" . }}`, "%p: " + refused},
		"a percent sign before a p is a percent sign":     {`{{ printf "100%%p" }}`, "100%p"},
		"JSON follows pointers":                           {`{{ dict "a" .Spec.HostUsers | toJson }}`, `{"a":true}`},
		"a function that gives text is taken at its word": {`{{ toJson .Spec.HostUsers }}`, "true"},
	} {
		t.Run(sentence, func(t *testing.T) {
			data := newData(t)
			data.ObjectMeta.CreationTimestamp = metav1.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("CET", 3600))
			data.Spec.HostUsers = new(true)
			data.Spec.Containers = []corev1.Container{{
				RestartPolicy: new(corev1.ContainerRestartPolicyAlways),
				Resources:     corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("0.5")}},
			}}
			set, err := templates.Parse(map[string]string{"t": test.template}, templates.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := set.Execute("t", data)
			if err != nil {
				got = err.Error()
				if at := strings.Index(got, test.want); at >= 0 {
					got = got[at:]
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
