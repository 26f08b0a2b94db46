package webhook

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"outrigger.dev/outrigger/inject"
)

// maxWarning is the length that Kubernetes asks warnings to stay under: it is
// free to cut what is longer.
const maxWarning = 120

// unasked are the reasons to skip a pod that leave nobody surprised: the pod
// declined, or nobody asked, or nobody reads a warning, as with mirror pods,
// which the kubelet creates.
var unasked = []inject.Reason{inject.PodLabel, inject.PodAnnotation, inject.NamespaceNotEnabled, inject.MirrorPod}

// reply is the answer to a decision.
func (h *Handler) reply(answer Answer) *admissionv1.AdmissionResponse {
	response := &admissionv1.AdmissionResponse{
		Allowed:  answer.Decision.Verdict != inject.Deny,
		Warnings: warnings(answer),
	}
	switch {
	case !response.Allowed:
		response.Result = &metav1.Status{
			Status:  metav1.StatusFailure,
			Code:    http.StatusUnprocessableEntity,
			Reason:  metav1.StatusReasonInvalid,
			Message: answer.Decision.Sentence,
		}
	case len(answer.Patch) > 0:
		response.Patch = answer.Patch
		response.PatchType = new(admissionv1.PatchTypeJSONPatch)
	}
	response.AuditAnnotations = h.annotations(answer, string(answer.Decision.Verdict), answer.Decision.Reason)
	return response
}

// faulty is the answer to a fault where the configuration wants one: with
// "ignore" the pod is let through as it came, with anything else it is refused.
func (h *Handler) faulty(answer Answer, fault error) *admissionv1.AdmissionResponse {
	response := &admissionv1.AdmissionResponse{
		AuditAnnotations: h.annotations(answer, "fault", inject.Fault),
	}
	if answer.FaultPolicy == "ignore" {
		response.Allowed = true
		response.Warnings = []string{clip("no sidecar was injected: " + fault.Error())}
		return response
	}
	response.Result = &metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusInternalServerError,
		Reason:  metav1.StatusReasonInternalError,
		Message: fault.Error(),
	}
	return response
}

// encode writes a response in the version that the review came in.
func encode(review Review, response *admissionv1.AdmissionResponse) ([]byte, error) {
	response.UID = types.UID(review.UID)
	return json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: review.Version, Kind: reviewKind},
		Response: response,
	})
}

// annotations are what the API server's audit log keeps of a review; it puts
// the webhook's name before each key.
func (h *Handler) annotations(answer Answer, decision string, reason inject.Reason) map[string]string {
	annotations := map[string]string{
		"decision":    decision,
		"reason":      string(reason),
		"revision":    h.Revision,
		"config":      answer.Config,
		"patch-bytes": strconv.Itoa(len(answer.Patch)),
	}
	if len(answer.Decision.Templates) > 0 {
		annotations["templates"] = strings.Join(answer.Decision.Templates, ",")
	}
	return annotations
}

// warnings are what the person who created the pod gets to read.
func warnings(answer Answer) []string {
	var said []string
	d := answer.Decision
	if d.Verdict == inject.Skip && !slices.Contains(unasked, d.Reason) {
		said = append(said, clip("no sidecar: "+d.Sentence))
	}
	for _, warning := range answer.Warnings {
		said = append(said, clip(warning))
	}
	return said
}

// clip shortens a text to at most maxWarning bytes, between two characters.
func clip(text string) string {
	if len(text) <= maxWarning {
		return text
	}
	const dots = "…"
	end := maxWarning - len(dots)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + dots
}
