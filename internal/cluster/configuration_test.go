package cluster_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"outrigger.dev/outrigger/charts"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/cluster"
)

// script is a Source that offers what it is given, one version after the other.
type script struct {
	versions []cluster.Version
	refused  []string
}

func (s *script) Watch(_ context.Context, offer func(cluster.Version)) {
	for _, v := range s.versions {
		offer(v)
	}
}

func (s *script) Refused(_ context.Context, why error) error {
	s.refused = append(s.refused, why.Error())
	return nil
}

func (s *script) String() string { return "script" }

// drawer is a Keep in memory.
type drawer struct {
	kept  *inject.Sources
	saved int
}

func (d *drawer) Load(context.Context) (inject.Sources, error) {
	if d.kept == nil {
		return inject.Sources{}, errors.New("is empty")
	}
	return *d.kept, nil
}

func (d *drawer) Save(_ context.Context, good inject.Sources) error {
	d.kept = &good
	d.saved++
	return nil
}

func (d *drawer) String() string { return "drawer" }

// texts are a configuration with values that the built-in templates render with.
func texts(config string) inject.Sources {
	_, values, mesh := charts.Default()
	return inject.Sources{Config: []byte(config), Values: values, Mesh: mesh}
}

func version(config string) cluster.Version { return cluster.Version{Sources: texts(config)} }

const (
	enabled  = "policy: enabled\n"
	disabled = "policy: disabled\n"
	broken   = "policy: [\n"
)

// hash is how a good configuration is told from another.
func hash(t *testing.T, config string) string {
	t.Helper()
	in, err := inject.New(texts(config), inject.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return in.Hash()
}

func TestConfigurationIsPutInForceWholeOrNotAtAll(t *testing.T) {
	// What is in force after a version: its configuration, where it is from, and
	// whether a newer one is refused.
	type state struct {
		Hash, From string
		Refused    bool
	}
	first, second := hash(t, enabled), hash(t, disabled)
	lastGood := "last good version in drawer"
	for name, c := range map[string]struct {
		kept     string
		versions []cluster.Version
		want     []state
		saved    int
		refused  int
	}{
		"a good version is in force, and kept": {
			versions: []cluster.Version{version(enabled)},
			want:     []state{{Hash: first, From: "script"}},
			saved:    1,
		},
		"a later one takes its place": {
			versions: []cluster.Version{version(enabled), version(disabled)},
			want:     []state{{Hash: first, From: "script"}, {Hash: second, From: "script"}},
			saved:    2,
		},
		"a broken one does not": {
			versions: []cluster.Version{version(enabled), version(broken), version(disabled)},
			want:     []state{{Hash: first, From: "script"}, {Hash: first, From: "script", Refused: true}, {Hash: second, From: "script"}},
			saved:    2,
			refused:  1,
		},
		"nor does one that cannot be read": {
			versions: []cluster.Version{version(enabled), {Err: errors.New("does not exist")}},
			want:     []state{{Hash: first, From: "script"}, {Hash: first, From: "script", Refused: true}},
			saved:    1,
			refused:  1,
		},
		"the same version again is nothing new": {
			versions: []cluster.Version{version(enabled), version(enabled), version(broken), version(broken)},
			want:     []state{{Hash: first, From: "script"}, {Hash: first, From: "script", Refused: true}},
			saved:    1,
			refused:  1,
		},
		"taking a broken one back puts the same one in force anew": {
			versions: []cluster.Version{version(enabled), version(broken), version(enabled)},
			want:     []state{{Hash: first, From: "script"}, {Hash: first, From: "script", Refused: true}, {Hash: first, From: "script"}},
			saved:    2,
			refused:  1,
		},
		"started on a broken one: the last good one serves": {
			kept:     disabled,
			versions: []cluster.Version{version(broken), version(enabled)},
			want:     []state{{Hash: second, From: lastGood, Refused: true}, {Hash: first, From: "script"}},
			saved:    1,
			refused:  1,
		},
		"started on a broken one without a last good one: nothing serves until there is a good one": {
			versions: []cluster.Version{version(broken), version(enabled)},
			want:     []state{{Refused: true}, {Hash: first, From: "script"}},
			saved:    1,
			refused:  1,
		},
		"a last good one that this server does not take is none": {
			kept:     broken,
			versions: []cluster.Version{version(broken)},
			want:     []state{{Refused: true}},
			refused:  1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			source, keep := &script{versions: c.versions}, &drawer{}
			if c.kept != "" {
				kept := texts(c.kept)
				keep.kept = &kept
			}
			var got []state
			configuration := &cluster.Configuration{
				Source: source,
				Keep:   keep,
				Log:    slog.New(slog.DiscardHandler),
				Notice: func(s cluster.State) {
					noted := state{From: s.From, Refused: s.Refused != nil}
					if s.Injector != nil {
						noted.Hash = s.Injector.Hash()
					}
					got = append(got, noted)
				},
			}
			if s := configuration.State(); s.Injector != nil || s.Refused == nil {
				t.Errorf("before anything was read: %+v", s)
			}
			configuration.Run(t.Context())
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("in force (-want +got):\n%s", diff)
			}
			if keep.saved != c.saved {
				t.Errorf("kept %d times, want %d", keep.saved, c.saved)
			}
			if len(source.refused) != c.refused {
				t.Errorf("refusals told: %q, want %d", source.refused, c.refused)
			}
		})
	}
}
