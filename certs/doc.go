// Package certs keeps a TLS server supplied with a certificate that its callers
// trust, without a restart and without a file that has to be looked after.
//
// There are two sources, and a server needs only what both have:
// GetCertificate for its tls.Config, Ready for its readiness probe, and Run.
//
//   - [Keeper] has an authority of its own. The authority is kept once, in a
//     [Store], however many replicas start together; each replica signs its own
//     leaf, holds it in memory only, and renews it. What callers have to trust
//     goes out through a [Publisher] and is put back whenever it is lost.
//   - [Files] serves a mounted pair that somebody else issues and renews.
//
// Replicas elect no leader: they race on one stored authority, the first writer
// wins, and the others take over what it wrote. Every pass of a Keeper begins
// with what is stored, so a missed event costs time and never agreement.
//
// Time is an argument wherever a certificate is judged or made. Only the two Run
// methods look at the clock.
package certs
