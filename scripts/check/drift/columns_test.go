package drift_test

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

const columns = 120

// TestLinesAreNarrow: no line of a Go file is wider than 120 columns, a tab being one.
// What stands within a raw string of several lines is a document and has its own
// width.
func TestLinesAreNarrow(t *testing.T) {
	files := 0
	for _, folder := range []string{"functions", "pkg", "scripts"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			files++
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			document := rawLines(source)
			for i, line := range strings.Split(string(source), "\n") {
				if n := utf8.RuneCountInString(line); n > columns && !document[i+1] {
					t.Errorf("%s:%d has %d columns", path, i+1, n)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 300 {
		t.Fatalf("only %d files found", files)
	}
}

// rawLines returns the numbers of the lines that a raw string of several lines covers.
func rawLines(source []byte) map[int]bool {
	covered := make(map[int]bool)
	set := token.NewFileSet()
	file := set.AddFile("", set.Base(), len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	for {
		pos, kind, text := s.Scan()
		if kind == token.EOF {
			return covered
		}
		if rows := strings.Count(text, "\n"); kind == token.STRING && rows > 0 {
			first := file.Line(pos)
			for line := first; line <= first+rows; line++ {
				covered[line] = true
			}
		}
	}
}
