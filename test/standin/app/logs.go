package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// write writes numbered lines to a file, whose folder it makes.
func (p program) write(ctx context.Context, args []string) error {
	f := p.flags("write")
	every := f.Duration("every", time.Second, "time from one line to the next")
	count := f.Int("count", 0, "how many lines; 0 is until told to stop")
	if err := parse(f, args, "FILE", 1); err != nil {
		return err
	}
	log, err := openLog(f.Arg(0))
	if err != nil {
		return err
	}
	defer log.Close()
	for n := 1; *count == 0 || n <= *count; n++ {
		if _, err := fmt.Fprintf(log, "line %d\n", n); err != nil {
			return err
		}
		if n != *count && pause(ctx, *every) != nil {
			return nil
		}
	}
	return nil
}

// logs prints the lines of a folder's files as they come, each after the names of the
// application, if it is given one, and of the file, until it is told to stop, and then
// once more.
func (p program) logs(ctx context.Context, args []string) error {
	f := p.flags("logs")
	every := f.Duration("every", 200*time.Millisecond, "time from one look to the next")
	folder := f.String("folder", "/var/log/app", "the folder")
	app := f.String("app", "", "name to put before each line")
	if err := parse(f, args, "none", 0); err != nil {
		return err
	}
	s := shipper{folder: *folder, out: p.stdout, read: map[string]int64{}}
	if *app != "" {
		s.prefix = *app + ": "
	}
	for {
		stopped := pause(ctx, *every) != nil
		if err := s.ship(); err != nil || stopped {
			return err
		}
	}
}

// A shipper knows how far it has read each file.
type shipper struct {
	folder, prefix string
	out            io.Writer
	read           map[string]int64
}

func (s shipper) ship() error {
	files, err := filepath.Glob(filepath.Join(s.folder, "*"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := s.file(name); err != nil {
			return err
		}
	}
	return nil
}

// file prints the whole lines that came since; a half one is for the next time.
func (s shipper) file(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	fresh, err := io.ReadAll(io.NewSectionReader(f, s.read[name], 1<<40))
	if err != nil {
		return err
	}
	whole := fresh[:bytes.LastIndexByte(fresh, '\n')+1]
	for line := range bytes.Lines(whole) {
		fmt.Fprintf(s.out, "%s%s: %s", s.prefix, filepath.Base(name), line)
	}
	s.read[name] += int64(len(whole))
	return nil
}
