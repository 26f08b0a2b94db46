package cluster_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"outrigger.dev/outrigger/certs"
	"outrigger.dev/outrigger/internal/cluster"
)

func secret(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "outrigger-system", Name: "authority", ResourceVersion: "7",
			Labels: map[string]string{"app.kubernetes.io/name": "outrigger-injector"},
		},
		Data: data,
	}
}

func authoritySecret(client *fake.Clientset) *cluster.AuthoritySecret {
	return &cluster.AuthoritySecret{
		Secrets: client.CoreV1().Secrets("outrigger-system"), Namespace: "outrigger-system", Name: "authority",
	}
}

func TestAuthoritySecretKeepsAnAuthority(t *testing.T) {
	for name, tc := range map[string]struct {
		before     []runtime.Object
		wantVerb   string
		wantLabels map[string]string
	}{
		"in the empty Secret that the chart makes": {
			[]runtime.Object{secret(nil)}, "patch",
			map[string]string{"app.kubernetes.io/name": "outrigger-injector"},
		},
		"in a Secret of its own where there is none": {nil, "create", nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(tc.before...)
			store := authoritySecret(client)
			state, err := store.Load(t.Context())
			if err != nil || state.Authority != nil {
				t.Fatalf("before: authority %v, %v; want neither", state.Authority, err)
			}
			state.Authority, err = certs.NewAuthority(time.Now(), time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if err := store.Save(t.Context(), state); err != nil {
				t.Fatal(err)
			}
			again, err := store.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !again.Authority.Certificate().Equal(state.Authority.Certificate()) {
				t.Error("another authority came back")
			}
			if verb := client.Actions()[1].GetVerb(); verb != tc.wantVerb {
				t.Errorf("kept by %q, want %q", verb, tc.wantVerb)
			}
			kept, err := store.Secrets.Get(t.Context(), "authority", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.wantLabels, kept.Labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAuthoritySecretTellsAConflict(t *testing.T) {
	secrets := schema.GroupResource{Resource: "secrets"}
	authority, err := certs.NewAuthority(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		version string
		fault   error
		want    bool
	}{
		"when another replica was first to create it": {"", apierrors.NewAlreadyExists(secrets, "authority"), true},
		"when another replica was first to write it":  {"7", apierrors.NewConflict(secrets, "authority", errors.New("x")), true},
		"when it is gone meanwhile":                   {"7", apierrors.NewNotFound(secrets, "authority"), true},
		"but not when it may not write":               {"7", apierrors.NewForbidden(secrets, "authority", errors.New("x")), false},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			client.PrependReactor("*", "*", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, tc.fault })
			err := authoritySecret(client).Save(t.Context(), certs.State{Authority: authority, Version: tc.version})
			if err == nil || errors.Is(err, certs.ErrConflict) != tc.want {
				t.Errorf("got %v, want a conflict: %v", err, tc.want)
			}
			if !strings.HasPrefix(err.Error(), `secret "outrigger-system/authority": `) {
				t.Errorf("got %q, want it to name the Secret", err)
			}
		})
	}
}

func TestAuthoritySecretRefusesWhatIsNoAuthority(t *testing.T) {
	client := fake.NewClientset(secret(map[string][]byte{"tls.crt": []byte("x"), "tls.key": []byte("y")}))
	_, err := authoritySecret(client).Load(t.Context())
	if err == nil || !strings.Contains(err.Error(), `secret "outrigger-system/authority": authority: `) {
		t.Errorf("got %v", err)
	}
}
