package inject

import (
	"errors"
	"fmt"

	"sigs.k8s.io/yaml"
)

// Values is key "values" of a ConfigMap, Istio's Helm values: the whole for
// templates, and apart the few that Go code reads.
type Values struct {
	// all is what templates see. Numbers are float64, as Istio's are: templates
	// compare them with 0.0 and the like.
	all map[string]any

	hub, tag, variant         string
	proxyImage, initImage     string
	clusterName, network      string
	rewriteProbes, hold       bool
	enableNamespacesByDefault bool
	env                       map[string]string
}

// ParseValues reads key "values", JSON or YAML. Unknown keys are kept for
// templates; a known one of another type is refused.
func ParseValues(doc []byte) (*Values, error) {
	var all map[string]any
	if err := yaml.Unmarshal(doc, &all); err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	if all == nil {
		return nil, errors.New("values: empty, wanted the values of an installation")
	}
	var known knownValues
	if err := yaml.Unmarshal(doc, &known); err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	g := known.Global
	return &Values{
		all:                       all,
		hub:                       g.Hub,
		tag:                       textOf(g.Tag),
		variant:                   g.Variant,
		proxyImage:                g.Proxy.Image,
		initImage:                 g.ProxyInit.Image,
		clusterName:               g.MultiCluster.ClusterName,
		network:                   g.Network,
		rewriteProbes:             known.Webhook.RewriteAppHTTPProbe,
		hold:                      g.Proxy.Hold,
		enableNamespacesByDefault: known.Webhook.EnableNamespacesByDefault,
		env:                       texts(known.Pilot.Env),
	}, nil
}

// knownValues are the values that Go code reads, by their places.
type knownValues struct {
	Global struct {
		Hub     string `json:"hub"`
		Tag     any    `json:"tag"` // a number where somebody forgot the quotes
		Variant string `json:"variant"`
		Network string `json:"network"`
		Proxy   struct {
			Image string `json:"image"`
			Hold  bool   `json:"holdApplicationUntilProxyStarts"`
		} `json:"proxy"`
		ProxyInit struct {
			Image string `json:"image"`
		} `json:"proxy_init"`
		MultiCluster struct {
			ClusterName string `json:"clusterName"`
		} `json:"multiCluster"`
	} `json:"global"`
	Webhook struct {
		RewriteAppHTTPProbe       bool `json:"rewriteAppHTTPProbe"`
		EnableNamespacesByDefault bool `json:"enableNamespacesByDefault"`
	} `json:"sidecarInjectorWebhook"`
	Pilot struct {
		Env map[string]any `json:"env"`
	} `json:"pilot"`
}

// textOf is a value as Helm would print it, "" for none.
func textOf(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

func texts(m map[string]any) map[string]string {
	out := make(map[string]string, len(m))
	for key, value := range m {
		out[key] = textOf(value)
	}
	return out
}
