package dryrun

import (
	"bytes"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// The forms of a reply.
const (
	asJSON = "application/json"
	asYAML = "application/yaml"
	asText = "text/plain; charset=utf-8"
)

// forms are what a request may accept, and what it gets for that.
var forms = map[string]string{
	"application/json": asJSON, "application/*": asJSON, "*/*": asJSON,
	"application/yaml": asYAML, "application/x-yaml": asYAML, "text/yaml": asYAML, "text/x-yaml": asYAML,
	"text/plain": asText, "text/*": asText,
}

// wanted is the form that a request wants most; JSON where it does not say.
func wanted(r *http.Request) (string, error) {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return asJSON, nil
	}
	best, most := "", 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		quality := 1.0
		if q, err := strconv.ParseFloat(parameters["q"], 64); err == nil {
			quality = q
		}
		if form, ok := forms[kind]; ok && quality > most {
			best, most = form, quality
		}
	}
	if best == "" {
		return "", refuse(http.StatusNotAcceptable, "accept %.64q: want application/json, application/yaml or text/plain", accept)
	}
	return best, nil
}

// parameters are those of the URL.
var parameters = []string{"annotation", "kubernetesVersion", "label", "namespace", "nativeSidecars", "path", "revision"}

// questionOf is the question of a request: its body is one, or a manifest.
func questionOf(r *http.Request, body []byte) (Question, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); strings.HasPrefix(kind, "multipart/") {
		return Question{}, refuse(http.StatusUnsupportedMediaType, "content type %.64q: want the manifest as the body, as curl --data-binary @FILE sends it", kind)
	}
	values := r.URL.Query()
	for name := range values {
		if !slices.Contains(parameters, name) {
			return Question{}, refuse(http.StatusBadRequest, "parameter %.64q: is unknown, want one of %s", name, strings.Join(parameters, ", "))
		}
		if name != "label" && name != "annotation" && len(values[name]) > 1 {
			return Question{}, refuse(http.StatusBadRequest, "parameter %q: is there %d times, want it once", name, len(values[name]))
		}
	}
	q, isQuestion, err := readQuestion(body)
	if err != nil {
		return Question{}, err
	}
	if !isQuestion {
		q = Question{
			Manifest: string(body), Revision: values.Get("revision"), NativeSidecars: values.Get("nativeSidecars"),
			KubernetesVersion: values.Get("kubernetesVersion"), Path: values.Get("path"), Namespace: AskedNamespace{Name: values.Get("namespace")},
		}
		if q.Namespace.Labels, err = pairs("label", values["label"]); err != nil {
			return Question{}, err
		}
		if q.Namespace.Annotations, err = pairs("annotation", values["annotation"]); err != nil {
			return Question{}, err
		}
	} else if len(values) > 0 {
		return Question{}, refuse(http.StatusBadRequest, "parameters: the body is a %s, want all of it there", QuestionKind)
	}
	return q, q.Check()
}

// readQuestion reads a body that is a Question; isQuestion is false for any other.
func readQuestion(body []byte) (q Question, isQuestion bool, err error) {
	if !bytes.Contains(body, []byte("dryrun.outrigger.dev/")) || tokens(body) > maxTokens {
		return q, false, nil
	}
	var kind struct{ APIVersion, Kind string }
	if yaml.Unmarshal(body, &kind) != nil || kind.Kind != QuestionKind || !strings.HasPrefix(kind.APIVersion, "dryrun.outrigger.dev/") {
		return q, false, nil
	}
	if kind.APIVersion != APIVersion {
		return q, true, refuse(http.StatusBadRequest, "apiVersion %.64q: want %s", kind.APIVersion, APIVersion)
	}
	if err := yaml.UnmarshalStrict(body, &q); err != nil {
		return q, true, refuse(http.StatusBadRequest, "%s: %v", QuestionKind, err)
	}
	return q, true, nil
}

// ReadQuestion is the question that a text is: one of that kind, or a manifest alone.
func ReadQuestion(text []byte) (Question, error) {
	q, isQuestion, err := readQuestion(text)
	if err != nil || isQuestion {
		return q, err
	}
	return Question{Manifest: string(text)}, nil
}

// pairs reads repeated KEY=VALUE; nil where there is none.
func pairs(parameter string, values []string) (map[string]string, error) {
	var out map[string]string
	for _, value := range values {
		key, value, ok := strings.Cut(value, "=")
		if !ok {
			return nil, refuse(http.StatusBadRequest, "%s %.64q: want KEY=VALUE", parameter, key)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[key] = value
	}
	return out, nil
}

// Check refuses what no cluster has: names, labels and annotations that are none.
func (q Question) Check() error {
	if errs := validation.IsDNS1123Label(q.Namespace.Name); q.Namespace.Name != "" && len(errs) > 0 {
		return refuse(http.StatusBadRequest, "namespace %.64q: %s", q.Namespace.Name, errs[0])
	}
	for _, key := range slices.Sorted(maps.Keys(q.Namespace.Labels)) {
		errs := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(q.Namespace.Labels[key])...)
		if len(errs) > 0 {
			return refuse(http.StatusBadRequest, "label %s: %s", fmt.Sprintf("%.64q", key+"="+q.Namespace.Labels[key]), errs[0])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(q.Namespace.Annotations)) {
		if errs := validation.IsQualifiedName(strings.ToLower(key)); len(errs) > 0 {
			return refuse(http.StatusBadRequest, "annotation %.64q: %s", key, errs[0])
		}
	}
	return nil
}
