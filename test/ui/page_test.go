package ui_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/controlplane/debian"
	"outrigger.dev/outrigger/test/ui"
)

// walk runs a journey with a page, which it is given by further words and variables.
func walk(t *testing.T, name, address string, variables ...string) {
	t.Helper()
	words := strings.Fields(name)
	cmd := exec.CommandContext(t.Context(), "node", append([]string{words[0] + ".mjs"}, words[1:]...)...)
	cmd.Dir = "browser"
	cmd.Env = append(os.Environ(), append(variables, "PAGE="+address+"/", "MODULES="+modules, "SHOTS="+shots, "CHROMIUM="+chromium(t))...)
	// Chromium is many processes: all of them end with the journey.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

func chromium(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// needBrowser skips a test where there is none.
func needBrowser(t *testing.T) {
	t.Helper()
	if lacking != "" {
		t.Skip("needs a browser: " + lacking)
	}
}

// The journeys with the real server. Each says in its file what it is about.
func TestJourneys(t *testing.T) {
	needBrowser(t)
	for name, about := range map[string]string{
		"live":     "the state of the server is shown",
		"why":      "a skipped pod is explained, and injected once the namespace is labelled",
		"keyboard": "everything is reached without a mouse",
		"file":     "manifests come as files",
		"problems": "what is wrong with a question is said",
		"modules":  "the modules that touch no element",
	} {
		t.Run(about, func(t *testing.T) { walk(t, name, server.DryRun()) })
	}
}

// Screenshots for people, and what can be measured at each.
func TestLooks(t *testing.T) {
	needBrowser(t)
	t.Attr("summary", "screenshots are in "+shots)
	stale, err := filepath.Glob(filepath.Join(shots, "*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stale {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	const pod = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      initContainers:
      - name: migrate
        image: example.com/web:1.4
      containers:
      - name: web
        image: example.com/web:1.4
        readinessProbe:
          httpGet: {path: /ready, port: 8080}
`
	t.Run("before a question", func(t *testing.T) { walk(t, "looks empty", server.DryRun()) })
	for verdict, namespace := range map[string]string{"Injected": "enabled", "Not injected": "shop"} {
		t.Run(verdict, func(t *testing.T) {
			name := strings.ReplaceAll(strings.ToLower(verdict), " ", "-")
			walk(t, "looks "+name, server.DryRun(), "MANIFEST="+pod, "NAMESPACE="+namespace, "WORD="+verdict)
		})
	}
	t.Run("what is rare", func(t *testing.T) {
		walk(t, "looks rare", rareServer(t), "MANIFEST=checks", "NAMESPACE=shop", "WORD=Injected")
	})
}

// Answers and states that a well-kept cluster does not give.
func TestRareStates(t *testing.T) {
	needBrowser(t)
	walk(t, "states", rareServer(t))
}

// A machine's needs name the packages that bring them.
func TestNeedsNamePackages(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	needs := ui.Missing()
	if got := strings.Join(debian.Packages(needs), " "); got != "chromium nodejs npm" {
		t.Errorf("an empty machine needs %q, got %v", got, needs)
	}
	if text := needs[0].String(); !strings.Contains(text, "apt-get install chromium") {
		t.Errorf("%q does not say what to install", text)
	}
}
