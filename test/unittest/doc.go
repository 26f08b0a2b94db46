// Package unittest runs the chart's suites of helm-unittest, in charts/unittest: small
// assertions about what single values do, beside the golden renders of the whole. It is a
// module of its own, as helm-unittest brings a Helm of another version.
//
// With the plugin installed it is the same as
//
//	helm unittest --strict -f '../unittest/*.yaml' charts/outrigger
package unittest
