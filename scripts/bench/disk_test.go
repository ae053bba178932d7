package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWatch writes a file and removes it before the watch ends.
func TestWatch(t *testing.T) {
	w, err := watch(filepath.Join(t.TempDir(), "watched"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.dir, "file")
	if err := os.WriteFile(file, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := w.end(); got != 1000 {
		t.Errorf("%d bytes, want 1000", got)
	}
	if again := w.end(); again != 1000 {
		t.Errorf("the second end says %d bytes", again)
	}
}
