// Package dryrun answers "why has my pod no sidecar?" before there is a pod: it
// takes manifests and says of each pod what the API server and Outrigger would
// make of it, by which rule, and what the pod would look like.
//
// It decides nothing itself: whether the API server calls is found by the live
// webhook configurations, in the API server's own terms, and what Outrigger does
// by the function that the webhook calls ([inject.Injector]). It has no side
// effects, keeps nothing of what it is asked, and takes no templates.
//
// It takes a pod as it is written: what the API server fills in before it asks (the
// scheme of a probe, the token's volume) is not there, nor what webhooks that are
// called before have changed. An AdmissionReview as a body has all of that.
//
// [Answer] is what comes out, and schema.json what that looks like in JSON; it is
// made from the types:
//
//	go test ./internal/dryrun -run TestSchema -update
package dryrun
