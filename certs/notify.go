package certs

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Notify tells when something in a folder has changed and has then stood still for
// a moment, until ctx ends. A kubelet changes a mounted folder by the link ..data
// in it, which is a change of the folder itself.
func Notify(ctx context.Context, dir string) (<-chan struct{}, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	if err := watcher.Add(dir); err != nil {
		_ = watcher.Close()
		return nil, err
	}
	changes := make(chan struct{}, 1)
	go func() {
		defer watcher.Close()
		still := time.NewTimer(time.Hour)
		still.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case _, open := <-watcher.Events:
				if !open {
					return
				}
				still.Reset(settle)
			case <-watcher.Errors: // an overflow: something has changed
				still.Reset(settle)
			case <-still.C:
				select {
				case changes <- struct{}{}:
				default:
				}
			}
		}
	}()
	return changes, nil
}
