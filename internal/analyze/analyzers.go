package analyze

import "slices"

// An Analyzer finds one kind of thing that can be wrong.
type Analyzer struct {
	Code     string   `json:"code"`
	Name     string   `json:"name"`
	Severity Severity `json:"severity"`
	// About says what it finds, a clause.
	About string `json:"about"`

	find func(*Scene) ([]Finding, error)
}

// Analyzers are all there are, by their codes.
func Analyzers() []Analyzer { return slices.Clone(analyzers) }

// analyzers is filled by init, since what is found refers to it.
var analyzers []Analyzer

func init() {
	analyzers = []Analyzer{
		{"OUT0101", "NamespaceNotInjected", Info, "a namespace with workloads has no label that asks for sidecars", notInjected},
		{"OUT0102", "NamespaceContradictory", Warning, "a namespace has both of the labels that ask for sidecars, and one has no effect", contradictory},
		{"OUT0103", "NamespaceLabelValue", Warning, "a namespace's label has a value that means something else than it says", labelValue},
		{"OUT0104", "RevisionUnknown", Error, "a namespace asks for a revision that no webhook serves", unknownRevision},
		{"OUT0105", "NamespaceExempt", Error, "a namespace asks for sidecars, and every webhook leaves it out", exempted},
		{"OUT0201", "KeyMisplaced", Warning, "a label or an annotation is where injection does not read it", misplaced},
		{"OUT0202", "KeyUnknown", Warning, "a label or an annotation is none of Istio's, but like one", warned(unknownKeys, "rename it, or take it away")},
		{"OUT0203", "KeyValue", Warning, "the value of a label or an annotation has no effect", warned(badValues, "write what is wanted, or take it away")},
		{"OUT0204", "KeyDeprecated", Info, "an annotation is deprecated", warned(deprecatedKeys, "write what is wanted in its place")},
		{"OUT0301", "PodRefused", Error, "a pod cannot be created, as injection refuses it", refused},
		{"OUT0302", "PodMissed", Error, "a pod that should have a sidecar has none", missed},
		{"OUT0303", "PodOutdated", Warning, "a pod is not what it would be if it were created now", outdated},
		{"OUT0401", "UserCollision", Warning, "a container runs as the proxy's user, so that its traffic passes by the proxy", warned(sameUser, "run the container as another user")},
		{"OUT0402", "PortCollision", Warning, "a container has a port of the proxy's", warned(samePort, "have the application listen at another port")},
		{"OUT0403", "VolumeReplaced", Warning, "a template's volume replaces one of the pod's", warned(sameVolume, "rename the pod's volume")},
		{"OUT0404", "ProbeNotRewritten", Warning, "a probe cannot be rewritten, and may be captured", warned(strayProbe, "declare the port in the container's ports")},
		{"OUT0405", "PodSecurity", Error, "Pod Security of the namespace forbids what injection adds", forbidden},
		{"OUT0406", "InitBeforeProxy", Warning, "an init container runs before the proxy, whose rules already capture its traffic", initBeforeProxy},
		{"OUT0407", "LimitRange", Error, "a LimitRange forbids a pod once it has its sidecar", outsideLimits},
		{"OUT0408", "ResourceQuota", Error, "a quota has no room for one more pod once it has its sidecar", outsideQuota},
		{"OUT0501", "WebhookOverlap", Error, "two webhook configurations inject the same pod", overlapping},
		{"OUT0502", "WebhookWithoutService", Error, "a webhook calls a Service that is not there", dangling},
		{"OUT0503", "WebhookBundle", Error, "a webhook's CA bundle is empty, broken or expired", badBundle},
		{"OUT0504", "WebhookTooWide", Error, "a webhook is called about pods that the cluster needs to start", tooWide},
		{"OUT0505", "WebhookAlone", Warning, "pods wait for a webhook that has one replica only, or no disruption budget", alone},
		{"OUT0506", "WebhookUnanswered", Error, "nobody is ready to answer for the Service that a webhook calls", unanswered},
		{"OUT0507", "CertificateUntrusted", Error, "a webhook's CA bundle does not verify the certificate that is served", untrusted},
		{"OUT0508", "CertificateExpiring", Warning, "the certificate that is served ends within two days", expiring},
		{"OUT0509", "RevisionWithoutWebhook", Warning, "a server runs, and no webhook configuration has it asked", unasked},
		{"OUT0510", "InjectionPaused", Error, "injection is paused, or its installation was not finished", off},
		{"OUT0511", "TagMoving", Warning, "a tag was to move to another revision, and that has not come to its end", moving},
		{"OUT0601", "AutoscalerCountsSidecar", Warning, "an autoscaler scales by the resources of whole pods, the sidecar's included", countsSidecar},
		{"OUT0701", "TemplateBroken", Error, "a template of the configuration does not render", brokenTemplate},
	}
}
