package cluster_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/cluster"
)

// TestCluster runs a pod in a cluster, reaches it in every way that there is, and wants
// nothing to be left when it has been stopped.
func TestCluster(t *testing.T) {
	needCluster(t)
	before := look(t)
	begin := time.Now()
	c, err := cluster.Start(within(t), cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop() })
	t.Logf("up in %.1f s", time.Since(begin).Seconds())
	if err := runHello(within(t), c, "first"); err != nil {
		t.Fatal(err)
	}
	if err := runHello(within(t), c, "second"); err != nil {
		t.Fatal(err)
	}
	t.Run("logs and exec find the pod", func(t *testing.T) {
		wantOutput(t, c, "hello from first\n", "logs", "first")
		out, err := c.Kubectl(within(t), "exec", "first", "--", "/program", "no-such-flag")
		if err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("exec: %q, %v, want the program to find its port taken by itself", out, err)
		}
	})
	t.Run("this machine reaches pods and Services", func(t *testing.T) {
		wantAnswer(t, "http://"+podIP(t, c, "first")+":8080/", "first")
		wantAnswer(t, "http://"+serviceIP(t, c, "first")+"/", "first")
	})
	t.Run("pods reach pods, Services, themselves by their Service, and the API server", func(t *testing.T) {
		ask := "http://" + podIP(t, c, "first") + ":8080/get?url="
		wantAnswer(t, ask+"http://"+podIP(t, c, "second")+":8080/", "second")
		wantAnswer(t, ask+"http://"+serviceIP(t, c, "second")+"/", "second")
		wantAnswer(t, ask+"http://"+serviceIP(t, c, "first")+"/", "first")
		wantAnswer(t, ask+"http://10.96.0.1:443/", "Client sent an HTTP request to an HTTPS server.\n")
	})
	t.Run("the kubelet is restarted under running pods", func(t *testing.T) {
		id := "-o=jsonpath={.status.containerStatuses[0].containerID}"
		containers, err := c.Kubectl(within(t), "get", "pod", "first", id)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.RestartKubelet(within(t)); err != nil {
			t.Fatal(err)
		}
		if err := runHello(within(t), c, "third"); err != nil {
			t.Error(err)
		}
		wantOutput(t, c, containers, "get", "pod", "first", id)
	})
	t.Run("an image is built upon another", func(t *testing.T) {
		dir := t.TempDir()
		dockerfile := "FROM scratch\nCOPY text /text\n"
		for file, text := range map[string]string{"Dockerfile": dockerfile, "text": "read me"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Build(within(t), dir, "base:1"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("ARG BASE\nFROM ${BASE}\nUSER 1000\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := c.Build(within(t), dir, "cluster.test/upon:1", "--build-arg=BASE=base:1"); err != nil {
			t.Fatal(err)
		}
		images, err := c.Images(within(t))
		for _, want := range []string{"docker.io/library/base:1", "cluster.test/upon:1"} {
			if !slices.Contains(images, want) {
				t.Errorf("images: %q, %v, want %s among them", images, err, want)
			}
		}
	})
	t.Run("another cluster is refused", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var progress bytes.Buffer
		_, err := cluster.Start(ctx, cluster.Options{Progress: &progress})
		if err == nil || !strings.HasPrefix(err.Error(), "another cluster is up on this machine") {
			t.Errorf("error: %v, want it to say that there is one", err)
		}
		if got := progress.String(); got != "waiting for another cluster on this machine to go\n" {
			t.Errorf("progress: %q, want it to say that it waits", got)
		}
	})
	begin = time.Now()
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	t.Logf("down in %.1f s", time.Since(begin).Seconds())
	wantNothingLeft(t, before)
	if err := c.Stop(); err != nil {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestNothingOutlivesAKilledParent(t *testing.T) {
	needCluster(t)
	before := look(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentVariable+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		_ = cmd.Wait()
		t.Fatalf("parent: %q, %v, want it to be ready", line, err)
	}
	during := look(t)
	for _, kind := range []string{"processes", "cgroups", "links", "folders"} {
		if len(during[kind]) <= len(before[kind]) {
			t.Errorf("%s: no more than before: the comparison proves nothing", kind)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed, and says so
	wantNothingLeft(t, before)
}

// podIP is the address of a pod, serviceIP that of a Service.
func podIP(t *testing.T, c *cluster.Cluster, name string) string {
	t.Helper()
	return get(t, c, "pod", name, "{.status.podIP}")
}

func serviceIP(t *testing.T, c *cluster.Cluster, name string) string {
	t.Helper()
	return get(t, c, "service", name, "{.spec.clusterIP}")
}

func get(t *testing.T, c *cluster.Cluster, kind, name, path string) string {
	t.Helper()
	out, err := c.Kubectl(within(t), "get", kind, name, "-o=jsonpath="+path)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// wantOutput runs kubectl, which must print what is wanted.
func wantOutput(t *testing.T, c *cluster.Cluster, want string, args ...string) {
	t.Helper()
	got, err := c.Kubectl(within(t), args...)
	if err != nil || got != want {
		t.Errorf("kubectl %q: %q, %v, want %q", args, got, err, want)
	}
}

// wantAnswer wants an answer before long: kube-proxy takes a moment to learn of a Service.
func wantAnswer(t *testing.T, url, want string) {
	t.Helper()
	eventually(t, func() error {
		got, err := answer(t.Context(), url)
		if err == nil && got != want {
			err = fmt.Errorf("%s: %q, want %q", url, got, want)
		}
		return err
	})
}

func answer(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
