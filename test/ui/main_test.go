// Package ui_test walks through the dry run's page in a real browser: against the
// real server on a real API server, and for what those hardly give, against the same
// page with answers made up.
package ui_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/apimachinery/pkg/util/wait"

	"outrigger.dev/outrigger/test/controlplane"
	"outrigger.dev/outrigger/test/e2e/injector"
	"outrigger.dev/outrigger/test/ui"
)

// What all tests share. Set before the first of them.
var (
	// lacking is why nothing can be tried here; "" where it can.
	lacking string
	// modules has npm's packages, and shots gets the screenshots.
	modules, shots string
	server         *injector.Injector
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run sets up, runs the tests, and leaves nothing but screenshots behind.
func run(m *testing.M) (code int, err error) {
	if err := look(); err != nil {
		return 0, err
	}
	if lacking != "" {
		return m.Run(), nil // each says why it is skipped
	}
	logs, err := os.MkdirTemp("", "outrigger-ui-")
	if err != nil {
		return 0, err
	}
	defer func() {
		if code == 0 && err == nil {
			os.RemoveAll(logs)
		} else {
			fmt.Fprintf(os.Stderr, "logs of servers are in %s\n", logs)
		}
	}()
	ctx := context.Background()
	tools, err := injector.Build(ctx, "../..", logs)
	if err != nil {
		return 0, err
	}
	cluster, err := controlplane.Start(ctx, controlplane.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	server, err = injector.Install(ctx, cluster, tools, injector.Options{Logs: logs})
	if err != nil {
		return 0, err
	}
	defer server.Kill()
	if err := populate(ctx, cluster); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// look finds out what there is for the tests.
func look() error {
	if needs := ui.Missing(); len(needs) > 0 {
		var all []string
		for _, n := range needs {
			all = append(all, n.String())
		}
		lacking = strings.Join(all, ", ") + ": make ui-deps"
		return nil
	}
	var err error
	if modules, err = ui.Modules(); errors.Is(err, ui.ErrNoModules) {
		lacking = err.Error()
		return nil
	} else if err != nil {
		return err
	}
	folder, err := ui.Folder()
	if err != nil {
		return err
	}
	shots = filepath.Join(folder, "screenshots")
	return os.MkdirAll(shots, 0o755)
}

// populate makes the namespaces that journeys ask about, and has a pod decided about.
func populate(ctx context.Context, cluster *controlplane.ControlPlane) error {
	core := cluster.Client().CoreV1()
	for name, labels := range map[string]map[string]string{"shop": nil, "enabled": {"istio-injection": "enabled"}} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
		if _, err := core.Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "secret-name"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "example.com/app:1"}}},
	}
	// A dry run needs no ServiceAccount, which a new namespace may not have yet.
	// A new namespace has no ServiceAccount yet, and takes no pod before.
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := core.Pods("enabled").Create(ctx, pod, metav1.CreateOptions{})
		if apierrors.IsForbidden(err) {
			return false, nil
		}
		return true, err
	})
}
