package certs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// look is how often mounted files are read again, whether or not anybody said that
// they have changed: network file systems tell nothing.
const look = 10 * time.Second

// Files serves a pair that somebody else puts into a folder, as a mounted Secret
// of type kubernetes.io/tls has it: tls.crt (the leaf first, then what lies
// between it and the authority) and tls.key. Where there is a ca.crt with
// something in it, the pair has to chain to it. Its fields are set before Run and
// not changed afterwards; its methods are safe for concurrent use.
type Files struct {
	Given
	Dir string
	// Changes tells that the files may have changed, as [Notify] does; nil where
	// nobody does.
	Changes <-chan struct{}
}

// Run reads the files again and again until ctx ends; then it returns nil.
func (f *Files) Run(ctx context.Context) error {
	var following sync.WaitGroup
	defer following.Wait()
	following.Go(func() { f.Follow(ctx) })
	for {
		_, _ = f.Read(time.Now()) // it says so itself
		select {
		case <-ctx.Done():
			return nil
		case <-f.Changes:
		case <-time.After(look):
		}
	}
}

// Read looks at the files once and takes them if they are good at now. A pair that
// is not leaves the last good one in place.
func (f *Files) Read(now time.Time) (changed bool, err error) {
	pair, err := f.pair()
	if err != nil {
		f.Refuse(err)
		return false, err
	}
	return f.Offer(pair, now)
}

// pair reads the files.
func (f *Files) pair() (p Pair, err error) {
	cert := filepath.Join(f.Dir, "tls.crt")
	p.From = fmt.Sprintf("%q", cert)
	if p.Cert, err = os.ReadFile(cert); err != nil {
		return p, err
	}
	if p.Key, err = os.ReadFile(filepath.Join(f.Dir, "tls.key")); err != nil {
		return p, err
	}
	p.CA, err = os.ReadFile(filepath.Join(f.Dir, "ca.crt"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return p, err
}
