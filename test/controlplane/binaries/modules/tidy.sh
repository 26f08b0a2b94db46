#!/bin/sh
# Brings each .sum file, and what a .mod file requires indirectly, in line with
# the versions that the .mod file names. go generate runs it.
set -eu
cd "$(dirname "$0")"
for mod in *.mod; do
	name=${mod%.mod}
	work=$(mktemp -d)
	cp "$name.mod" "$work/go.mod"
	cp "$name.sum" "$work/go.sum"
	(cd "$work" && GOWORK=off go mod tidy)
	cp "$work/go.mod" "$name.mod"
	cp "$work/go.sum" "$name.sum"
	rm -r "$work"
done
