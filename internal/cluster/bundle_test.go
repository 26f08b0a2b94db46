package cluster

// Sees inside: the patch itself is the promise that no other field is written.

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	admissionv1client "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	clienttesting "k8s.io/client-go/testing"

	"outrigger.dev/outrigger/certs"
)

var configurations = schema.GroupResource{Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations"}

// configuration has an entry for each bundle.
func configuration(name string, bundles ...[]byte) *admissionv1.MutatingWebhookConfiguration {
	c := &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: "7"}}
	for i, b := range bundles {
		c.Webhooks = append(c.Webhooks, admissionv1.MutatingWebhook{
			Name:         string(rune('a'+i)) + ".injector.outrigger.dev",
			ClientConfig: admissionv1.WebhookClientConfig{CABundle: b},
		})
	}
	return c
}

// plainWatch says that a fake cannot stream a list, as it should say itself.
type plainWatch struct {
	admissionv1client.MutatingWebhookConfigurationInterface
}

func (plainWatch) IsWatchListSemanticsUnSupported() bool { return true }

func authority(t *testing.T) *certs.Authority {
	t.Helper()
	a, err := certs.NewAuthority(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestBundlePatchWritesOnlyWhatDiffers(t *testing.T) {
	for name, tc := range map[string]struct {
		have []string
		want string
	}{
		"nothing where all entries have the bundle": {[]string{"new", "new"}, ""},
		"nothing where there are no entries":        {nil, ""},
		"each entry that has none or another": {
			[]string{"", "new", "old"},
			`[{"op":"replace","path":"/metadata/resourceVersion","value":"7"},` +
				`{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"bmV3"},` +
				`{"op":"add","path":"/webhooks/2/clientConfig/caBundle","value":"bmV3"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var have [][]byte
			for _, b := range tc.have {
				have = append(have, []byte(b))
			}
			got, foreign := bundlePatch(configuration("w", have...), []byte("new"))
			if foreign != nil {
				t.Error(foreign)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// always publishes the same.
func always(bundle certs.Bundle) func(certs.Trust) (certs.Bundle, error) {
	return func(certs.Trust) (certs.Bundle, error) { return bundle, nil }
}

// ownedBy has a field manager own the caBundle of an entry.
func ownedBy(c *admissionv1.MutatingWebhookConfiguration, manager, entry string) *admissionv1.MutatingWebhookConfiguration {
	c.ManagedFields = append(c.ManagedFields, metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "admissionregistration.k8s.io/v1", FieldsType: "FieldsV1",
		FieldsV1: metav1.NewFieldsV1(`{"f:webhooks":{".":{},"k:{\"name\":\"` + entry + `\"}":{".":{},"f:clientConfig":{"f:caBundle":{}}}}}`),
	})
	return c
}

func TestBundleOfSomebodyElseIsLeftAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		manager string
		have    string
		want    string // "" where it is not foreign
	}{
		"another manager's":                 {"kubectl-edit", "old", `webhook configuration "w": entry "a.injector.outrigger.dev": caBundle belongs to somebody else, the field manager "kubectl-edit": take it out there, and it is written again`},
		"ours":                              {fieldManager, "old", ""},
		"another manager's that says as we": {"kubectl-edit", "new", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := ownedBy(configuration("w", []byte(tc.have), nil), tc.manager, "a.injector.outrigger.dev")
			patch, foreign := bundlePatch(c, []byte("new"))
			got := ""
			if foreign != nil {
				got = foreign.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if errors.Is(foreign, certs.ErrNotOurs) != (tc.want != "") {
				t.Errorf("%v is no ErrNotOurs", foreign)
			}
			if writes := strings.Contains(string(patch), "/webhooks/0/"); writes != (tc.manager == fieldManager) {
				t.Errorf("writes the entry: %t: %s", writes, patch)
			}
			if !strings.Contains(string(patch), "/webhooks/1/") {
				t.Errorf("does not write the entry that nobody owns: %s", patch)
			}
		})
	}
}

// What is written over was there before the store was looked at: otherwise one who
// knows less could undo what one wrote who knows more.
func TestPublishReadsBeforeItDecidesAndWritesOnlyOverThat(t *testing.T) {
	client := fake.NewClientset(configuration("w", nil))
	api := client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	var order []string
	client.PrependReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		order = append(order, a.GetVerb())
		if patch, ok := a.(clienttesting.PatchAction); ok && !strings.Contains(string(patch.GetPatch()), `"/metadata/resourceVersion","value":"7"`) {
			t.Errorf("patch without the version that was read: %s", patch.GetPatch())
		}
		return false, nil, nil
	})
	publisher := &WebhookBundle{WebhookTrust{Configurations: api, Names: []string{"w"}}}
	err := publisher.Publish(t.Context(), func(certs.Trust) (certs.Bundle, error) {
		order = append(order, "decide")
		return certs.NewBundle(time.Now(), authority(t).Certificate()), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"get", "decide", "patch"}, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPublish(t *testing.T) {
	bundle := certs.NewBundle(time.Now(), authority(t).Certificate())
	conflict := apierrors.NewConflict(configurations, "w", errors.New("changed"))
	for name, tc := range map[string]struct {
		objects     []runtime.Object
		patchFaults []error
		wantPatches int
		want        string
	}{
		"writes once where it is missing":     {[]runtime.Object{configuration("w", nil, []byte("x"))}, nil, 1, ""},
		"writes nothing where it is in place": {[]runtime.Object{configuration("w", bundle.PEM(), bundle.PEM())}, nil, 0, ""},
		"reads again after a conflict":        {[]runtime.Object{configuration("w", nil, nil)}, []error{conflict}, 2, ""},
		"says which configuration is missing": {nil, nil, 0, `webhook configuration "w": mutatingwebhookconfigurations.admissionregistration.k8s.io "w" not found`},
		"says that it may not": {
			[]runtime.Object{configuration("w", nil, nil)},
			[]error{apierrors.NewForbidden(configurations, "w", errors.New("no such right"))}, 1,
			`webhook configuration "w": mutatingwebhookconfigurations.admissionregistration.k8s.io "w" is forbidden: no such right`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(tc.objects...)
			patches := 0
			client.PrependReactor("patch", "*", func(clienttesting.Action) (bool, runtime.Object, error) {
				patches++
				if patches <= len(tc.patchFaults) {
					return true, nil, tc.patchFaults[patches-1]
				}
				return false, nil, nil
			})
			api := client.AdmissionregistrationV1().MutatingWebhookConfigurations()
			publisher := &WebhookBundle{WebhookTrust{Configurations: api, Names: []string{"w"}}}
			var got string
			if err := publisher.Publish(t.Context(), always(bundle)); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if patches != tc.wantPatches {
				t.Errorf("%d patches, want %d", patches, tc.wantPatches)
			}
			if tc.want != "" {
				return
			}
			c, err := api.Get(t.Context(), "w", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := configuration("w", bundle.PEM(), bundle.PEM())
			if diff := cmp.Diff(want.Webhooks, c.Webhooks); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWatchReportsWhatEveryEntryTrusts(t *testing.T) {
	one, two := authority(t).Certificate(), authority(t).Certificate()
	now := time.Now()
	just, both := certs.NewBundle(now, one).PEM(), certs.NewBundle(now, one, two).PEM()
	client := fake.NewClientset(configuration("w", just, both), configuration("tag", both, both))
	api := client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	publisher := &WebhookTrust{Configurations: plainWatch{api}, Names: []string{"w", "tag"}}

	ctx, cancel := context.WithCancel(t.Context())
	reports, done := make(chan certs.Bundle, 100), make(chan struct{})
	go func() {
		defer close(done)
		publisher.Watch(ctx, func(trust certs.Trust) { reports <- trust.Common() })
	}()
	defer func() { cancel(); <-done }()
	await := func(what string, want certs.Bundle) {
		t.Helper()
		for {
			select {
			case got := <-reports:
				if string(got.PEM()) == string(want.PEM()) {
					return
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("%s: not reported", what)
			}
		}
	}
	change := func(c *admissionv1.MutatingWebhookConfiguration) {
		t.Helper()
		if _, err := api.Update(ctx, c, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}

	await("what both configurations trust", certs.NewBundle(now, one))
	change(configuration("w", both, both))
	await("two authorities in every entry", certs.NewBundle(now, one, two))
	change(configuration("tag", both, nil))
	await("an entry without a bundle", nil)
	change(configuration("tag", both, both))
	await("two authorities again", certs.NewBundle(now, one, two))
	change(configuration("w", both, []byte("Cg==")))
	await("an entry with a bundle that is none", nil)
	change(configuration("w", just, just))
	await("one authority", certs.NewBundle(now, one))
	if err := api.Delete(ctx, "w", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	await("a missing configuration", nil)

	for _, a := range client.Actions() {
		if l, ok := a.(clienttesting.ListAction); ok && !strings.HasPrefix(l.GetListRestrictions().Fields.String(), "metadata.name=") {
			t.Errorf("%s without a name: its right could not be bound to one", a.GetVerb())
		}
	}
}
