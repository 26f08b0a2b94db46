package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"outrigger.dev/outrigger/inject"
)

// A Version is a configuration as it was once read: its three texts, or why
// they could not be had.
type Version struct {
	Sources inject.Sources
	Err     error
}

func (v Version) equal(other Version) bool {
	a, b := v.Sources, other.Sources
	return v.Err == nil && other.Err == nil &&
		bytes.Equal(a.Config, b.Config) && bytes.Equal(a.Values, b.Values) && bytes.Equal(a.Mesh, b.Mesh)
}

// A Source is where a configuration comes from.
type Source interface {
	// Watch offers the version there is, and every later one, until ctx ends.
	// Versions that follow each other quickly may be left out, the newest never.
	Watch(ctx context.Context, offer func(Version))
	// Refused tells those who wrote the newest version why it is not in force.
	Refused(ctx context.Context, why error) error
	// String names the source for people.
	String() string
}

// A Keep holds the last version that was good. [LastGood] is one.
type Keep interface {
	Load(ctx context.Context) (inject.Sources, error)
	Save(ctx context.Context, good inject.Sources) error
	String() string
}

// A State is what of a configuration is in force. It is a value; a later version
// makes another.
type State struct {
	// Injector is in force; nil as long as there has been no good version.
	Injector *inject.Injector
	// Sources are the texts that it was made of.
	Sources inject.Sources
	// From names where the version in force was read.
	From string
	// Since is when it came into force.
	Since time.Time
	// Refused is why the newest version is not in force; nil where it is.
	Refused error
}

// errUnread is why a configuration is not in force before it was first read.
var errUnread = errors.New("has not been read yet")

// A Configuration follows a source. A version is put in force whole, after it
// was proved, or refused whole: then the version before stays, and where there
// is none, as after a restart, the last good one that is kept is taken. Fields
// are set before Run; methods are safe for concurrent use.
type Configuration struct {
	Source Source
	// Keep is nil where no last good version is kept.
	Keep     Keep
	Settings inject.Settings
	Log      *slog.Logger
	// Notice is called after each version that was read.
	Notice func(State)

	state  atomic.Pointer[State]
	newest Version
}

// keepTimeout bounds the calls that write down what became of a version. They
// come after it is in force, and the next version waits behind them.
const keepTimeout = 10 * time.Second

// State is what is in force now.
func (c *Configuration) State() State {
	if state := c.state.Load(); state != nil {
		return *state
	}
	return State{Refused: fmt.Errorf("%s %w", c.Source, errUnread)}
}

// Run follows the source until ctx ends.
func (c *Configuration) Run(ctx context.Context) {
	c.Source.Watch(ctx, func(v Version) {
		if c.state.Load() != nil && v.equal(c.newest) {
			return // touched, not changed
		}
		c.newest = v
		c.offer(ctx, v)
	})
}

// offer puts a version in force or refuses it.
func (c *Configuration) offer(ctx context.Context, v Version) {
	in, err := c.prove(v)
	if err == nil {
		c.enforce(State{Injector: in, Sources: v.Sources, From: c.Source.String(), Since: time.Now()})
		c.keep(ctx, v.Sources)
		return
	}
	refused := fmt.Errorf("%s: %w", c.Source, err)
	state := c.State()
	if state.Injector == nil {
		state = c.fallBack(ctx)
	}
	state.Refused = refused
	c.enforce(state)
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	if err := c.Source.Refused(ctx, err); err != nil {
		c.Log.Warn("refusal not reported", "err", err)
	}
}

// prove makes a version into what can be put in force.
func (c *Configuration) prove(v Version) (*inject.Injector, error) {
	if v.Err != nil {
		return nil, v.Err
	}
	return inject.New(v.Sources, c.Settings)
}

// fallBack is the state with the version that is kept, or with none.
func (c *Configuration) fallBack(ctx context.Context) State {
	if c.Keep == nil {
		return State{}
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	good, err := c.Keep.Load(ctx)
	if err == nil {
		var in *inject.Injector
		if in, err = inject.New(good, c.Settings); err == nil {
			return State{Injector: in, Sources: good, From: "last good version in " + c.Keep.String(), Since: time.Now()}
		}
	}
	c.Log.Warn("no last good configuration", "err", err)
	return State{}
}

// enforce makes a state the one that counts.
func (c *Configuration) enforce(state State) {
	c.state.Store(&state)
	hash := ""
	if state.Injector != nil {
		hash = state.Injector.Hash()
	}
	if state.Refused != nil {
		c.Log.Error("configuration refused", "err", state.Refused, "config", hash, "from", state.From)
	} else {
		c.Log.Info("configuration in force", "config", hash, "from", state.From)
		for template, err := range state.Injector.Quarantined() {
			c.Log.Warn("template quarantined", "templates", template, "err", err)
		}
	}
	if c.Notice != nil {
		c.Notice(state)
	}
}

// keep writes down a good version for the next start.
func (c *Configuration) keep(ctx context.Context, good inject.Sources) {
	if c.Keep == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	if err := c.Keep.Save(ctx, good); err != nil {
		c.Log.Warn("last good configuration not kept", "err", err)
	}
}
