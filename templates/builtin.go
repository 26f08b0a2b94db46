package templates

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtin returns the texts of the templates that ship with Outrigger, by name:
// sidecar, gateway, grpc-agent and grpc-simple. Each is our own and yields what
// Istio's template of that name yields. The map is the caller's to change.
func Builtin() map[string]string {
	texts := map[string]string{}
	for name, text := range embedded(builtin, "builtin") {
		texts[strings.TrimSuffix(name, path.Ext(name))] = string(text)
	}
	return texts
}

// embedded returns the files of an embedded folder by name. That there is one
// was seen to when the program was built.
func embedded(fsys embed.FS, folder string) map[string][]byte {
	files := map[string][]byte{}
	entries, err := fs.ReadDir(fsys, folder)
	if err != nil {
		panic(err)
	}
	for _, entry := range entries {
		content, err := fsys.ReadFile(path.Join(folder, entry.Name()))
		if err != nil {
			panic(err)
		}
		files[entry.Name()] = content
	}
	return files
}
