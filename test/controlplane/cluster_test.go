package controlplane_test

import (
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// newNamespace makes a namespace that pods are admitted into. It is not removed: the
// cluster is, soon.
func newNamespace(t *testing.T) string {
	t.Helper()
	namespace, err := cluster.Client().CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		_, err := cluster.Client().CoreV1().ServiceAccounts(namespace.Name).Get(t.Context(), "default", metav1.GetOptions{})
		return err
	})
	return namespace.Name
}

// kubectl runs kubectl, which must succeed, and returns what it printed.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := cluster.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// apply applies manifests, which must succeed.
func apply(t *testing.T, manifests string) {
	t.Helper()
	if _, err := cluster.Apply(t.Context(), manifests); err != nil {
		t.Fatal(err)
	}
}

// withWork adds to a JSON list of containers one that works.
func withWork(t *testing.T, containers string) string {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(containers), &list); err != nil {
		t.Fatal(err)
	}
	list = append(list, map[string]any{"name": "work", "image": "busybox"})
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eventually asks until there is no error any more, for a minute.
func eventually(t *testing.T, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
