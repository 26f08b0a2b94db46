package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"outrigger.dev/outrigger/test/cluster"
)

// parentVariable makes this test's program start a cluster with a pod and wait to be killed.
const parentVariable = "CLUSTER_TEST_PARENT"

// helloImage is the image of internal/hello.
const helloImage = "cluster.test/hello:1"

func TestMain(m *testing.M) {
	if os.Getenv(parentVariable) != "" {
		parent()
	}
	os.Exit(m.Run())
}

// parent starts a cluster with a pod that runs, says so and waits forever.
func parent() {
	c, err := cluster.Start(context.Background(), cluster.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := runHello(context.Background(), c, "left"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	select {}
}

// needCluster skips a test where no cluster can be, and waits while there is another, whose
// traces would come and go.
func needCluster(t *testing.T) {
	t.Helper()
	if needs := cluster.Missing(); len(needs) > 0 {
		t.Skip("needs a cluster: ", needs)
	}
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if _, err := os.Stat("/var/lib/outrigger-cluster"); errors.Is(err, os.ErrNotExist) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("/var/lib/outrigger-cluster is still there: another cluster is up")
		}
	}
}

// runHello runs a pod with a Service of the same name, and returns when it is ready.
func runHello(ctx context.Context, c *cluster.Cluster, name string) error {
	if err := c.BuildGo(ctx, "./internal/hello", helloImage); err != nil {
		return err
	}
	_, err := c.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %[1]s, labels: {app: %[1]s}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: hello
    image: %[2]s
    readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: %[1]s}
spec: {selector: {app: %[1]s}, ports: [{port: 80, targetPort: 8080}]}
`, name, helloImage))
	if err != nil {
		return err
	}
	if _, err = c.Kubectl(ctx, "wait", "pod/"+name, "--for=condition=Ready", "--timeout=2m"); err != nil {
		said, _ := c.Kubectl(ctx, "describe", "pod", name)
		return fmt.Errorf("%w\n%s", err, said)
	}
	return nil
}

// eventually asks until there is no error any more, for two minutes.
func eventually(t *testing.T, ask func() error) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// within is the end of a test's patience.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// lines takes a text apart.
func lines(text []byte) []string {
	var all []string
	for line := range bytes.Lines(text) {
		all = append(all, string(bytes.TrimSpace(line)))
	}
	return all
}
