package cluster

import "strings"

// Revised is what the chart calls a thing of a revision: its name, and the revision behind
// it where that is not the default one.
func Revised(name, revision string) string {
	if revision == "default" {
		return name
	}
	return name + "-" + revision
}

// What the name of a tag's webhook configuration begins with, and that of a bridge's ends
// with. No tag has a dot in it, so a bridge is never a tag's own.
const (
	tagged = "outrigger-tag-"
	moving = ".moving"
)

// BridgeName is what a bridge is called: the webhook configuration that stands in for a tag
// while that moves to another revision. The API server asks it after the tag's own, so that
// the new revision has the last word.
func BridgeName(tag string) string { return tagged + tag + moving }

// BridgedTag is the tag that a bridge of this name stands in for; "" for any other name.
func BridgedTag(name string) string {
	tag, isTagged := strings.CutPrefix(name, tagged)
	tag, moves := strings.CutSuffix(tag, moving)
	if !isTagged || !moves {
		return ""
	}
	return tag
}
