package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"databrain-rotation/scripts/console"
)

// screen is where the demonstration is shown. It keeps what was shown, to be
// searched for credentials at the end, and counts the promises that were broken.
type screen struct {
	out    io.Writer
	shown  bytes.Buffer
	colour bool
	broken int
	made   int
}

func newScreen(f *os.File, noColour bool) *screen {
	info, err := f.Stat()
	return &screen{out: f, colour: err == nil && info.Mode()&os.ModeCharDevice != 0 && !noColour}
}

func (s *screen) printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.shown.WriteString(colours.ReplaceAllString(text, ""))
	io.WriteString(s.out, text)
}

// The colours, by number of the terminal's palette.
const (
	red   = "31"
	green = "32"
	bold  = "1"
	dim   = "2"
)

// colours are the escape sequences of [screen.in].
var colours = regexp.MustCompile("\x1b\\[[0-9]+m")

func (s *screen) in(colour, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (s *screen) title(text string) { s.printf("\n%s\n\n", s.in(bold, text)) }

// paragraph shows text in lines of about 100 characters, and an empty line.
func (s *screen) paragraph(text string) {
	for _, line := range console.Wrap(text, 98) {
		s.printf("  %s\n", line)
	}
	s.printf("\n")
}

func (s *screen) note(format string, args ...any) {
	s.printf("  %s\n", s.in(dim, fmt.Sprintf(format, args...)))
}

// promise shows whether something that must hold holds.
func (s *screen) promise(holds bool, format string, args ...any) {
	s.made++
	mark := s.in(green, "ok    ")
	if !holds {
		s.broken++
		mark = s.in(red, "BROKEN")
	}
	s.printf("  %s %s\n", mark, fmt.Sprintf(format, args...))
}

// table shows rows, the first of which is the header.
func (s *screen) table(rows [][]string) {
	for i, line := range console.Columns(rows) {
		colour := "0"
		if i == 0 {
			colour = dim
		}
		s.printf("%s\n", s.in(colour, line))
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) }

// short is the beginning of a version's id, enough to tell versions apart.
func short(version string) string {
	if len(version) < 8 {
		return "none"
	}
	return version[:8]
}
