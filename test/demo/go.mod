// The demo: it runs the commands that a person would.
module outrigger.dev/outrigger/test/demo

go 1.26.0

require outrigger.dev/outrigger/test/controlplane v0.0.0

replace outrigger.dev/outrigger/test/controlplane => ../controlplane
