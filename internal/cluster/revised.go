package cluster

// Revised is what the chart calls a thing of a revision: its name, and the revision behind
// it where that is not the default one.
func Revised(name, revision string) string {
	if revision == "default" {
		return name
	}
	return name + "-" + revision
}
