package bench

import (
	"bytes"
	"encoding/json"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
)

// Reinvoke makes of a review the one with which the API server calls a second
// time. It does so for most pods that are injected: after a webhook has changed
// a pod the ServiceAccount plugin mounts the token into the containers that are
// new, and that is a change after the webhook's.
func (s Setup) Reinvoke(r Recording) (Recording, error) {
	patch, err := NewCaller(s.Server(), r).Call(0, false).Patch()
	if err != nil {
		return Recording{}, err
	}
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		return Recording{}, err
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(r.body, &review); err != nil {
		return Recording{}, err
	}
	before := review.Request.Object.Raw
	after, err := operations.Apply(before)
	if err != nil {
		return Recording{}, err
	}
	if after, err = mountToken(after); err != nil {
		return Recording{}, err
	}
	return newRecording(bytes.Replace(r.body, before, after, 1))
}

// mountToken mounts the token's volume where the injected containers have not got
// it.
func mountToken(object []byte) ([]byte, error) {
	var pod corev1.Pod
	if err := json.Unmarshal(object, &pod); err != nil {
		return nil, err
	}
	app := pod.Spec.Containers[0].VolumeMounts
	token := app[len(app)-1]
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		c.VolumeMounts = append(c.VolumeMounts, token)
	}
	return json.Marshal(pod)
}
