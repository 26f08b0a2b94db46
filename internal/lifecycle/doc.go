// Package lifecycle brings Outrigger into a cluster and out of it again: profiles and
// manifests from the chart that is embedded, installation and its end as a Helm release,
// and what is looked at before. It is the command line's; the server has no part in it.
//
// An installation is one revision of Outrigger: the release, the objects that the chart
// renders for it, and the webhook configurations that the API server calls it by. Nothing
// is remembered outside the cluster.
package lifecycle
