package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// diskWatch looks again and again at how many bytes the files in a folder have.
type diskWatch struct {
	dir  string
	end  func() int64 // ends the watch and returns the most that it saw
	most int64
}

// watch begins to watch the folder dir, which it makes.
func watch(dir string) (*diskWatch, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	w := &diskWatch{dir: dir}
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
				w.most = max(w.most, size(dir))
			}
		}
	})
	w.end = sync.OnceValue(func() int64 {
		close(stop)
		watching.Wait()
		return w.most
	})
	return w, nil
}

// size adds up the files in dir. One that is removed meanwhile counts nothing.
func size(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}
