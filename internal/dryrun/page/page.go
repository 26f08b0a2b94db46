package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed static
var static embed.FS

// policy is what the browser may do for the page: run, style and show what comes
// from this server, ask this server, and nothing else. There is no inline script
// or style to allow, and no text becomes HTML or script (trusted types).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// A file is one of the page.
type file struct {
	name, kind, tag string
	text            []byte
}

// Handler serves the page at "/" and its files below "/page/", with GET and HEAD.
func Handler() http.Handler {
	mux := http.NewServeMux()
	for _, f := range files() {
		mux.Handle("GET /page/"+f.name, f)
		if f.name == "index.html" {
			mux.Handle("GET /{$}", f)
		}
	}
	return mux
}

// files are those that are embedded. That they can be read is known when the
// program is built.
func files() []file {
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		panic(err)
	}
	all := make([]file, len(entries))
	for i, entry := range entries {
		text, err := static.ReadFile("static/" + entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(text)
		all[i] = file{
			name: entry.Name(), text: text,
			kind: kinds[path.Ext(entry.Name())],
			tag:  `"` + hex.EncodeToString(sum[:8]) + `"`,
		}
	}
	return all
}

// kinds are content types by the end of a file's name. The machine's own table,
// which package mime reads, need not know them.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

func (f file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.kind)
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	// A browser asks each time whether what it has still holds: after an upgrade the
	// files of two versions must not meet.
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", f.tag)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.text))
}
