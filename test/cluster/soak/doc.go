// Package soak creates pods at a steady pace while everything that may happen to Outrigger in
// a working cluster happens to it, and counts what was lost: the webhook's failurePolicy is
// Fail, so a call that is not answered is a pod that is not created.
//
// The pods are scheduled by nobody and deleted as they come. Each run has an installation of
// its own, of two replicas that are pods behind a Service:
//
//	run         meanwhile
//	SelfSigned  leaves are renewed every ten seconds, the authority is changed twice, the
//	            replicas are deleted one by one and rolled out, and the configuration is
//	            broken and mended, again and again
//	Files       the certificate comes from a Secret, which gets a good pair, a torn one, an
//	            expired one and a good one, and the configuration is broken and mended
//	Killed      one replica after the other gets a SIGKILL
//
// In the first two nothing may be lost. A process that is killed cannot say goodbye, so in the
// last what is lost is what is to be known.
package soak
