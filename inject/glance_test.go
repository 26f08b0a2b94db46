package inject_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"outrigger.dev/outrigger/inject"
)

// A glance reads what the types read, or says that it cannot.
func TestGlance(t *testing.T) {
	for name, tc := range map[string]struct {
		pod string
		// plain says that it is for glancing at.
		plain bool
	}{
		"nothing":                    {`{}`, true},
		"all that counts":            {`{"metadata":{"name":"a","generateName":"a-","namespace":"n","labels":{"a":"b"},"annotations":{"c":"d"}},"spec":{"hostNetwork":true,"os":{"name":"windows"}}}`, true},
		"what does not count":        {`{"kind":"Pod","metadata":{"uid":"u","managedFields":[{"x":{}}]},"spec":{"containers":[{"name":"c","env":[]}]},"status":{}}`, true},
		"nothing in a map":           {`{"metadata":{"labels":{},"annotations":null}}`, true},
		"white space":                {"{ \"metadata\" : { \"labels\" : { \"a\" : \"b\" ,\n\"c\":\t\"d\" } } }", true},
		"escapes in values":          {`{"metadata":{"annotations":{"a":"\"\\\u00e9\n\ud83d\ude00","b":"c"}}}`, true},
		"an escape in a name":        {`{"metadata":{"labels":{"\u0061":"b"}}}`, true},
		"half of a pair":             {`{"metadata":{"labels":{"a":"\ud83d"}}}`, true},
		"a label twice":              {`{"metadata":{"labels":{"a":"b","a":"c"}}}`, true},
		"a field twice":              {`{"metadata":{"name":"a","name":"b"}}`, false},
		"a label that is a number":   {`{"metadata":{"labels":{"a":1}}}`, false},
		"a label that is null":       {`{"metadata":{"labels":{"a":null}}}`, true},
		"labels that are a list":     {`{"metadata":{"labels":[]}}`, false},
		"metadata that is null":      {`{"metadata":null}`, false},
		"an owner":                   {`{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"u","controller":true,"blockOwnerDeletion":false}]}}`, true},
		"owners":                     {`{"metadata":{"ownerReferences":[{"kind":"A","name":"a"},{"kind":"B","name":"b\n","controller":null,"new":{}}]}}`, true},
		"no owners":                  {`{"metadata":{"ownerReferences":[]}}`, true},
		"owners that are null":       {`{"metadata":{"ownerReferences":null}}`, true},
		"an owner that is null":      {`{"metadata":{"ownerReferences":[null]}}`, true},
		"a controller that is text":  {`{"metadata":{"ownerReferences":[{"controller":"true"}]}}`, false},
		"a host network that is not": {`{"spec":{"hostNetwork":null}}`, true},
		"no JSON":                    {`{"metadata":{"name":"a"}`, false},
		"names by another case":      {`{"Metadata":{"name":"a"},"metadata":{"Labels":{"a":"b"}}}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, plain := inject.Glanced([]byte(tc.pod))
			if plain != tc.plain {
				t.Fatalf("for glancing at: %t, want %t", plain, tc.plain)
			}
			if !plain {
				return
			}
			var typed corev1.Pod
			if err := kjson.UnmarshalCaseSensitivePreserveInts([]byte(tc.pod), &typed); err != nil {
				t.Fatal(err)
			}
			want := &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{
					Name: typed.Name, GenerateName: typed.GenerateName, Namespace: typed.Namespace,
					Labels: typed.Labels, Annotations: typed.Annotations, OwnerReferences: typed.OwnerReferences,
				},
				Spec: corev1.PodSpec{HostNetwork: typed.Spec.HostNetwork, OS: typed.Spec.OS},
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-types +glance):\n%s", diff)
			}
		})
	}
}
