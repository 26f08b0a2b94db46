package binaries

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

//go:embed modules/*.mod modules/*.sum
var modules embed.FS

// project is a source tree that programs are built from.
type project struct {
	name   string
	path   string // of its Go module
	module string // the file in the folder modules that pins it, without .mod
	local  *local // a module of this repository, which is in place of that
	stamp  func(version string) []string
}

// version reads the project's version from the .mod file: it is written there and nowhere
// else.
func (p *project) version() (string, error) {
	if p.local != nil {
		return p.local.version, nil
	}
	text, err := modules.ReadFile("modules/" + p.module + ".mod")
	if err != nil {
		return "", err
	}
	require := regexp.MustCompile(`(?m)^\s*(?:require )?` + regexp.QuoteMeta(p.path) + ` (v\S+)`)
	found := require.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("module %q: not required by %s.mod", p.path, p.module)
	}
	return string(found[1]), nil
}

// unpack writes go.mod and go.sum into folder, which makes it a module root.
func (p *project) unpack(folder string) error {
	if p.local != nil {
		return p.local.unpack(folder)
	}
	for _, suffix := range []string{"mod", "sum"} {
		text, err := modules.ReadFile("modules/" + p.module + "." + suffix)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, "go."+suffix), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// linkerFlags drops the symbol tables, which halves a program, and stamps the version.
func (p *project) linkerFlags(version string) string {
	flags := []string{"-s", "-w"}
	if p.stamp != nil {
		for _, value := range p.stamp(version) {
			flags = append(flags, "-X", value)
		}
	}
	return strings.Join(flags, " ")
}

// kubernetesVersion sets what Kubernetes' own build sets. Without it a server reports
// v0.0.0-master+$Format:%H$, which clients refuse to parse.
func kubernetesVersion(version string) []string {
	var stamps []string
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		stamps = append(stamps,
			pkg+".gitVersion="+version,
			pkg+".gitMajor="+parts[0],
			pkg+".gitMinor="+parts[1],
			pkg+".gitCommit=unknown",
			pkg+".gitTreeState=archive",
		)
	}
	return stamps
}
