package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// look is how often files are read again. Reading three small files costs
	// less than being told wrongly: a mounted ConfigMap is replaced by a link, and
	// network file systems tell nothing.
	look = time.Second
	// settled is how long files must stay the same to count: a change of several
	// files, or of one large one, is not taken in the middle.
	settled = 100 * time.Millisecond
)

// Files is a configuration in a folder, in files named config, values and mesh.
// It is a [Source].
type Files struct {
	Dir string
}

// Watch offers what the files hold until ctx ends.
func (f *Files) Watch(ctx context.Context, offer func(Version)) {
	var offered string
	last, wait := "", time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		version := f.read()
		text := fmt.Sprintf("%q %q %q %v", version.Sources.Config, version.Sources.Values, version.Sources.Mesh, version.Err)
		switch {
		case text != last:
			last, wait = text, settled
		case text != offered:
			offered, wait = text, look
			offer(version)
		default:
			wait = look
		}
	}
}

// read reads the three files. Only config must exist.
func (f *Files) read() Version {
	var v Version
	for name, text := range map[string]*[]byte{configKey: &v.Sources.Config, valuesKey: &v.Sources.Values, meshKey: &v.Sources.Mesh} {
		read, err := os.ReadFile(filepath.Join(f.Dir, name))
		if err != nil && (name == configKey || !errors.Is(err, fs.ErrNotExist)) {
			return Version{Err: err}
		}
		*text = read
	}
	return v
}

// Refused does nothing: who writes files reads the log.
func (f *Files) Refused(context.Context, error) error { return nil }

// String names the folder.
func (f *Files) String() string { return fmt.Sprintf("files in %q", f.Dir) }
