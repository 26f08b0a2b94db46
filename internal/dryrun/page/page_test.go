package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"outrigger.dev/outrigger/internal/dryrun/page"
)

// get asks for a path of the page.
func get(t *testing.T, method, path string, header http.Header) *http.Response {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	request.Header = header
	reply := httptest.NewRecorder()
	page.Handler().ServeHTTP(reply, request)
	return reply.Result()
}

func text(t *testing.T, path string) string {
	t.Helper()
	reply := get(t, http.MethodGet, path, nil)
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", path, reply.Status, err)
	}
	return string(body)
}

// embedded are the names of the page's files.
func embedded(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("static/*")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	return files
}

func TestHeaders(t *testing.T) {
	kinds := map[string]string{
		".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
		".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}
	paths := map[string]string{"/": kinds[".html"]}
	for _, name := range embedded(t) {
		paths["/page/"+name] = kinds[filepath.Ext(name)]
	}
	for path, kind := range paths {
		header := get(t, http.MethodGet, path, nil).Header
		if got := header.Get("Content-Type"); got != kind {
			t.Errorf("%s: Content-Type %q, want %q", path, got, kind)
		}
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: Content-Security-Policy %q has no %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: Content-Security-Policy %q lets in more than this server", path, policy)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: headers %v", path, header)
		}
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	tag := get(t, http.MethodGet, "/page/main.js", nil).Header.Get("ETag")
	reply := get(t, http.MethodGet, "/page/main.js", http.Header{"If-None-Match": {tag}})
	if tag == "" || reply.StatusCode != http.StatusNotModified {
		t.Errorf("with ETag %s: %s, want 304", tag, reply.Status)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	for path, want := range map[string]int{
		"/page/": http.StatusNotFound, "/page/page.go": http.StatusNotFound, "/page/..%2fpage.go": http.StatusNotFound,
		"/other": http.StatusNotFound, "/index.html": http.StatusNotFound,
	} {
		if got := get(t, http.MethodGet, path, nil).StatusCode; got != want {
			t.Errorf("GET %s: %d, want %d", path, got, want)
		}
	}
	if got := get(t, http.MethodPost, "/", nil).StatusCode; got != http.StatusMethodNotAllowed {
		t.Errorf("POST /: %d, want 405", got)
	}
}

// What the page asks for is there, and is asked from here. The SVG namespace and the
// addresses of examples are names, which nobody fetches.
func TestPageNeedsNobodyElse(t *testing.T) {
	served := map[string]bool{}
	for _, name := range embedded(t) {
		served[name] = true
	}
	named := regexp.MustCompile(`(?:src|href)="page/([^"]+)"|from "\./([^"]+)"`)
	elsewhere := regexp.MustCompile(`(?:https?:)?//[a-z0-9.-]+\.[a-z]+`)
	used := map[string]bool{"index.html": true}
	for name := range served {
		content := text(t, "/page/"+name)
		for _, m := range named.FindAllStringSubmatch(content, -1) {
			file := m[1] + m[2]
			used[file] = true
			if !served[file] {
				t.Errorf("%s asks for %s, which is not there", name, file)
			}
		}
		for _, address := range elsewhere.FindAllString(content, -1) {
			if address != "http://www.w3.org" {
				t.Errorf("%s names %s", name, address)
			}
		}
	}
	for name := range served {
		if !used[name] {
			t.Errorf("%s is served, and nothing asks for it", name)
		}
	}
}

// The browser would refuse these; that they are not tried is found here.
func TestNoTextBecomesCode(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\son[a-z]+="|\sstyle="|<style|<script>|javascript:`)
	for _, name := range embedded(t) {
		if found := forbidden.FindString(text(t, "/page/"+name)); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
}

// The page is read like Go: its files are as small.
func TestFilesAreSmall(t *testing.T) {
	const most = 300
	for _, name := range embedded(t) {
		content, err := os.ReadFile(filepath.Join("static", name))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(content), "\n"); lines > most {
			t.Errorf("%s: %d lines, want at most %d", name, lines, most)
		}
	}
}
