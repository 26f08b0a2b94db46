package ui

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"outrigger.dev/outrigger/test/controlplane/debian"
)

// Need is what a machine lacks.
type Need = debian.Need

// oldestNode is the oldest major version of Node.js that playwright-core runs on.
const oldestNode = 18

// Missing says which programs the machine lacks; nothing, if it has all.
func Missing() []Need {
	var needs []Need
	for _, program := range []struct{ name, pkg string }{{"chromium", "chromium"}, {"node", "nodejs"}, {"npm", "npm"}} {
		if _, err := exec.LookPath(program.name); err != nil {
			needs = append(needs, Need{What: program.name + " is not installed", Package: program.pkg})
		}
	}
	if slices.ContainsFunc(needs, func(n Need) bool { return n.Package == "nodejs" }) {
		return needs
	}
	if why := oldNode(); why != "" {
		needs = append(needs, Need{What: why})
	}
	return needs
}

// oldNode says what is wrong with the version of Node.js; "" for nothing.
func oldNode() string {
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return fmt.Sprintf("node --version: %v", err)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldestNode {
		return fmt.Sprintf("node is %s, and v%d or newer is needed", version, oldestNode)
	}
	return ""
}
