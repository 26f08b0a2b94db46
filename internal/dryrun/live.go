package dryrun

// LiveKind is the kind of a [Live].
const LiveKind = "Live"

// Live is the state of the server that answers, as GET /live gives it.
type Live struct {
	// APIVersion is "dryrun.outrigger.dev/v1" and Kind "Live".
	APIVersion    string        `json:"apiVersion"`
	Kind          string        `json:"kind"`
	Version       string        `json:"version"`
	Configuration Configuration `json:"configuration"`
	// Refused is why the newest version of the configuration is not in force; ""
	// where it is.
	Refused string `json:"refused,omitempty"`
	// Templates are those that pods may ask for, by name.
	Templates []LiveTemplate `json:"templates"`
	// Certificate is the one that the webhook serves.
	Certificate Certificate `json:"certificate"`
	// Webhooks are the entries of all mutating webhook configurations of the
	// cluster in the order in which the API server calls; empty, with
	// WebhooksError, where they cannot be read.
	Webhooks      []LiveWebhook `json:"webhooks"`
	WebhooksError string        `json:"webhooksError,omitempty"`
	// Recent are the last decisions of the webhook, the newest first, without
	// names of pods.
	Recent []Recent `json:"recent"`
}

// A LiveTemplate is one of the configuration in force.
type LiveTemplate struct {
	Name string `json:"name"`
	// Default says that pods which name none get it.
	Default bool `json:"default,omitempty"`
	// Aliases are the names that stand for it, alone or with others.
	Aliases []string `json:"aliases,omitempty"`
	// Source is "built-in" or "configuration".
	Source string `json:"source"`
	// Quarantined is why it is kept out; "" for one that renders.
	Quarantined string `json:"quarantined,omitempty"`
}

// A Certificate is what the webhook serves with.
type Certificate struct {
	// Expires is RFC 3339; "" where there is none yet. Days are whole ones until then.
	Expires string `json:"expires,omitempty"`
	Days    int    `json:"days"`
	// Fault is why a newer one is not served; "" as a rule.
	Fault string `json:"fault,omitempty"`
}

// A LiveWebhook is an entry of a mutating webhook configuration.
type LiveWebhook struct {
	Configuration      string `json:"configuration"`
	Name               string `json:"name"`
	FailurePolicy      string `json:"failurePolicy"`
	ReinvocationPolicy string `json:"reinvocationPolicy"`
	// Ours says that it calls Outrigger.
	Ours bool `json:"ours,omitempty"`
}

// A Recent is one of the last decisions.
type Recent struct {
	// Time is RFC 3339.
	Time      string `json:"time"`
	Namespace string `json:"namespace"`
	// Owner is "KIND NAME" of the workload that the pod belongs to.
	Owner   string `json:"owner"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
	DryRun  bool   `json:"dryRun,omitempty"`
}
