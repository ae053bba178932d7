package finding

// Telling says of which findings of a run people are told, and how.
type Telling struct {
	Single  int              // findings that have a message of their own
	Counted int              // further findings, which one message counts
	Counts  map[Severity]int // of the counted ones

	memory MemoryKind
	rest   int // index of the first finding that is counted
}

// Notice is how people are told of one finding.
type Notice string

// The notices.
const (
	Untold  Notice = ""        // there is nothing new about it
	Single  Notice = "single"  // in a message of its own
	Counted Notice = "counted" // as one of a number, in the one message about all of these
)

// Tell chooses the findings that have a message of their own: the first most of those
// that people are told of. The rest of these are counted, so that none is dropped. The
// findings are ordered by [WorstFirst], which is the same in every repetition of a run.
// A rule that sends only the worst severities sends the first most of these.
func Tell(findings []Finding, memory MemoryKind, most int) Telling {
	t := Telling{Counts: map[Severity]int{}, memory: memory, rest: len(findings)}
	for i := range findings {
		switch f := &findings[i]; {
		case !f.newsworthy(memory):
		case t.Single < most:
			t.Single++
		default:
			t.rest = min(t.rest, i)
			t.Counted++
			t.Counts[f.Severity]++
		}
	}
	return t
}

// Of returns the notice of f, which is the finding at index i of those that t was made of.
func (t *Telling) Of(i int, f *Finding) Notice {
	switch {
	case !f.newsworthy(t.memory):
		return Untold
	case i < t.rest:
		return Single
	}
	return Counted
}

// newsworthy reports whether people are told of f: once when it appears, and once when
// its severity rises. Without a memory nothing tells what they have heard before.
func (f *Finding) newsworthy(memory MemoryKind) bool {
	switch f.State {
	case New, Reopened:
		return true
	case Ongoing:
		return f.RaisedFrom != "" || memory == NoMemory
	}
	return false
}
