package dryrun

// A Call says whether the API server would call Outrigger about a pod.
type Call struct {
	// Called says that at least one entry calls.
	Called bool `json:"called"`
	// By is the entry that calls, "CONFIGURATION/ENTRY"; "" where none does.
	By string `json:"by,omitempty"`
	// Why is the clause that says why none calls; "" where one does.
	Why string `json:"why,omitempty"`
	// From is "live" for the cluster's webhook configurations, "chart" for those
	// that the chart installs by default, where live ones cannot be read, and
	// "assumed" where nothing is known of the namespace, which counts as a call.
	From string `json:"from"`
	// Entries are Outrigger's: each entry of each of its configurations.
	Entries []Entry `json:"entries,omitempty"`
	// Others are the other mutating webhooks that would be called about this pod,
	// in the order in which the API server calls.
	Others []Entry `json:"others,omitempty"`
}

// An Entry is one of a MutatingWebhookConfiguration.
type Entry struct {
	Configuration string `json:"configuration"`
	Name          string `json:"name"`
	// Calls says that all Conditions hold.
	Calls bool `json:"calls"`
	// Conditions are in the order in which the API server looks at them; those
	// after the first that does not hold are not looked at and not listed.
	Conditions []Condition `json:"conditions"`
	// Order is the entry's place among all entries of the cluster, from 1.
	Order              int    `json:"order,omitempty"`
	FailurePolicy      string `json:"failurePolicy,omitempty"`
	ReinvocationPolicy string `json:"reinvocationPolicy,omitempty"`
	TimeoutSeconds     int32  `json:"timeoutSeconds,omitempty"`
}

// A Condition is one that an entry makes.
type Condition struct {
	// Field is "rules", "namespaceSelector", "objectSelector" or
	// "matchConditions[NAME]".
	Field string `json:"field"`
	// Wants is the selector or expression, and Has what it was held against.
	Wants string `json:"wants"`
	Has   string `json:"has,omitempty"`
	Holds bool   `json:"holds"`
	// Error is why a match condition could not be evaluated: failurePolicy decides
	// then, and Fail refuses the pod.
	Error string `json:"error,omitempty"`

	// fails is the part of a selector that does not hold, for people.
	fails string
}
