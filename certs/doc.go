// Package certs keeps a TLS server supplied with a certificate that its callers
// trust, without a restart and without a file that has to be looked after.
//
// There are three sources, and a server needs only what all have: GetCertificate for
// its tls.Config, Ready for its readiness probe, Status for people, and Run.
//
//   - [Keeper] has an authority of its own. The authority is kept once, in a
//     [Store], however many replicas start together; each replica signs its own
//     leaf, holds it in memory only, and renews it. What callers have to trust
//     goes out through a [Publisher] and is put back whenever it is lost.
//   - [Given] serves pairs that somebody else issues and renews, and that are
//     offered to it.
//   - [Files] is one that reads them from a mounted folder.
//
// Replicas elect no leader: they race on one stored [State], the first writer
// wins, and the others take over what it wrote. Every pass of a Keeper begins
// with what callers trust, goes on to what is stored, and ends with a write over the
// first, so that nobody undoes what one wrote who knew more, and a missed event
// costs time and never agreement. One authority takes over from another in two
// phases, of which [State] has the table.
//
// Time is an argument wherever a certificate is judged or made. Only the two Run
// methods look at the clock.
package certs
