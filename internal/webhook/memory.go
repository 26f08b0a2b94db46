package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"outrigger.dev/outrigger/inject"
)

// DefaultMemory is how many bytes of answers are remembered: those for some
// thousands of workloads.
const DefaultMemory = 24 << 20

// An epoch is what answers depend on that no request shows: none outlives it.
type epoch struct {
	injector Injector
	// generation is of what is known of nodes and ProxyConfigs.
	generation uint64
}

// A memory remembers answers: the pods of a workload are alike but for what the
// API server makes up for each, and so are their answers. It is exact: the key is
// everything that an injection can see, and what is made up is nothing that it can
// ([inject.Canonical]).
//
// It has two pages. Answers are written on the young one; when that is full it
// becomes the old one, which is forgotten then. What is found on the old one is
// written on the young one again. Reading takes no lock. Safe for concurrent use.
type memory struct {
	// most is what a page may hold, in bytes.
	most  int64
	pages atomic.Pointer[pages]
}

type pages struct {
	epoch      epoch
	young, old *page
}

type page struct {
	answers sync.Map // of key to *remembered
	size    atomic.Int64
}

// A key is the hash of all that an answer depends on within an epoch.
type key [sha256.Size]byte

type remembered struct {
	answer Answer
	size   int64
}

func newMemory(size int64) *memory { return &memory{most: size / 2} }

// recall is the answer to a request, from memory or else from make, which is
// called with the pod's canonical form.
func (m *memory) recall(at epoch, request inject.Request, make func(inject.Request) (Answer, error)) (Answer, error) {
	canonical := inject.Canonicalize(request.Pod)
	open, id := m.open(at), keyOf(canonical, request)
	found := open.find(id)
	if found != nil {
		return restored(canonical, found.answer, true), nil
	}
	request.Pod = canonical.Pod()
	answer, err := make(request)
	if err != nil {
		return answer, err
	}
	m.write(open, id, &remembered{kept(answer), sizeOf(answer)})
	return restored(canonical, answer, false), nil
}

// open is the pages of an epoch, new ones where those that there are belong to
// another.
func (m *memory) open(at epoch) *pages {
	for {
		have := m.pages.Load()
		if have != nil && have.epoch == at {
			return have
		}
		fresh := &pages{epoch: at, young: &page{}, old: &page{}}
		if m.pages.CompareAndSwap(have, fresh) {
			return fresh
		}
	}
}

func (p *pages) find(id key) *remembered {
	if found, ok := p.young.answers.Load(id); ok {
		return found.(*remembered)
	}
	found, ok := p.old.answers.Load(id)
	if !ok {
		return nil
	}
	again := found.(*remembered)
	p.young.put(id, again)
	return again
}

// put counts what one more answer takes, and is how much the page holds then.
func (p *page) put(id key, r *remembered) int64 {
	if _, there := p.answers.LoadOrStore(id, r); there {
		return p.size.Load()
	}
	return p.size.Add(r.size)
}

// write remembers an answer, and turns the page where it is full.
func (m *memory) write(open *pages, id key, r *remembered) {
	if r.size > m.most || open.young.put(id, r) <= m.most {
		return
	}
	// Whoever comes second finds that it has been done.
	m.pages.CompareAndSwap(open, &pages{epoch: open.epoch, young: &page{}, old: open.young})
}

// restored is an answer for the pod that asked.
func restored(c inject.Canonical, a Answer, recalled bool) Answer {
	a.Decision = c.RestoreDecision(a.Decision)
	a.Patch = c.RestoreBytes(a.Patch)
	a.Warnings = c.RestoreStrings(a.Warnings)
	a.Recalled = recalled
	return a
}

// kept is an answer in memory of its own: its texts may be parts of larger ones,
// like the pod, and its patch was written where there is room for most patches.
func kept(a Answer) Answer {
	a.Patch = bytes.Clone(a.Patch)
	a.Decision.Sentence = strings.Clone(a.Decision.Sentence)
	a.Decision.Trace = slices.Clone(a.Decision.Trace)
	for i, step := range a.Decision.Trace {
		a.Decision.Trace[i].Input = strings.Clone(step.Input)
	}
	a.Decision.Templates = slices.Clone(a.Decision.Templates)
	a.Warnings = slices.Clone(a.Warnings)
	for i, warning := range a.Warnings {
		a.Warnings[i] = strings.Clone(warning)
	}
	return a
}

// entryOverhead is what an answer takes beside its texts.
const entryOverhead = 512

func sizeOf(a Answer) int64 {
	size := entryOverhead + len(a.Patch) + len(a.Decision.Sentence)
	for _, step := range a.Decision.Trace {
		size += 48 + len(step.Input)
	}
	for _, warning := range a.Warnings {
		size += 16 + len(warning)
	}
	return int64(size)
}

// keyOf is the key of a request whose pod has a canonical form. Every part goes in
// with its length before it, so that no two requests make the same text.
func keyOf(pod inject.Canonical, request inject.Request) key {
	var room [256]byte
	b := appendText(room[:0], request.Path.Cluster)
	b = appendText(b, request.Path.Network)
	b = appendMap(b, request.Path.Env)
	b = appendText(b, request.Namespace.Name)
	b = appendMap(b, request.Namespace.Labels)
	b = appendMap(b, request.Namespace.Annotations)
	if request.Namespace.Unknown {
		b = append(b, 1)
	}
	h := sha256.New()
	h.Write(binary.AppendUvarint(nil, uint64(len(b))))
	h.Write(b)
	pod.Hash(h)
	var id key
	h.Sum(id[:0])
	return id
}

func appendText(b []byte, text string) []byte {
	b = binary.AppendUvarint(b, uint64(len(text)))
	return append(b, text...)
}

func appendMap(b []byte, m map[string]string) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		b = appendText(appendText(b, name), m[name])
	}
	return b
}
