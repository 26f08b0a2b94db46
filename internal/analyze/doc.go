// Package analyze finds what is wrong with injection in a cluster, in manifests, or in
// manifests that are about to go to a cluster, and says which command mends it.
//
// It decides nothing itself. Whether the API server calls is found as in a dry run, by
// the webhook configurations that there are, and what Outrigger does by the function
// that the webhook calls: what the webhook would do without a word is no finding.
//
// A [Scene] has what is looked at; [Analyzers] lists what may be found. A scene is
// looked at by one goroutine.
package analyze
