package collect

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"

	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/databrain"
)

// maxPages bounds a list that never ends.
const maxPages = 10_000

// pageSize is the documented length of a page, fixed for every list
// (https://docs.usedatabrain.com/developer-docs/helpers/api-reference/list-data-apps).
const pageSize = 10

var (
	// errDisagree: two ways to read a list gave different entries.
	errDisagree = errors.New("the list is another one each time it is read")

	// errNoEnd: the pages repeat themselves, so nothing shows where the list ends.
	errNoEnd = errors.New("the pages of the list have no end")

	// errNoRoom: what was read fills the memory that the run may take, or half of it if
	// one list alone does.
	errNoRoom = errors.New("there is no memory for more of the list")
)

// What is read takes in memory, in bytes: an entry of a list that is being read, and
// whatever is kept of a data app to the end of the run.
const (
	entryWeight = 256
	appWeight   = 600
)

// oddEntries is the error of a list in which some entries cannot be told from others.
type oddEntries struct{ count int }

func (e *oddEntries) Error() string {
	return fmt.Sprintf("unreadable entries in the list: %d", e.count)
}

// incomplete reports whether err says that a list may lack entries, although the
// instance answered.
func incomplete(err error) bool {
	_, odd := errors.AsType[*oddEntries](err)
	return odd || errors.Is(err, errDisagree) || errors.Is(err, errNoEnd) || errors.Is(err, errNoRoom)
}

// list is one list of the API: the data apps, or the tokens of one.
type list[T comparable] struct {
	*requester
	room *finding.Room // that the entries fill while the list is read
	held int64         // of it
	ask  func(ctx context.Context, token databrain.Secret, page int) iter.Seq2[T, error]

	// begin starts to keep entries anew: what was kept before does not count.
	begin func()
	keep  func(T) (fresh bool) // false for an entry that is equal in all to one before
	knows func(T) bool
	lacks func() bool // an entry is missing that the last run knew

	effort int // requests made
}

// answer is what one request gave.
type answer[T comparable] struct {
	entries  []T // of a page
	length   int // odd entries and repetitions included
	odd      int
	repeated int
}

// read reads l and keeps its entries. With an error the list may not be complete, but
// what was kept since the last begin is real. The package's documentation says what is
// believed and why; doubted is whether a list of that length may be a part.
func (l *list[T]) read(ctx context.Context, doubted func(length int) bool) error {
	defer func() { l.free(l.held) }()
	var whole answer[T]
	err := l.do(ctx, &l.effort, func(ctx context.Context, token databrain.Secret) error {
		l.free(l.held)
		l.begin()
		whole = answer[T]{}
		return l.take(l.ask(ctx, token, databrain.Whole), &whole, func(entry T) {
			if !l.keep(entry) {
				whole.repeated++
			}
		})
	})
	if err != nil && !pagesMayHelp(err) {
		return err
	}
	if err == nil {
		lacks := l.lacks()
		if whole.repeated == 0 && !lacks && !doubted(whole.length) {
			return whole.fault()
		}
		if whole.repeated == 0 {
			ends, err := l.endsAt(ctx, whole.length, lacks)
			if ends || err != nil {
				return errors.Join(err, whole.fault())
			}
		}
	}
	return l.readPages(ctx, whole, err == nil)
}

// hold takes the room of one more entry.
func (l *list[T]) hold() error {
	l.held += entryWeight
	if !l.room.Take(entryWeight) || l.room.MoreThanHalf(l.held) {
		return errNoRoom
	}
	return nil
}

func (l *list[T]) free(bytes int64) {
	l.held -= bytes
	l.room.Give(bytes)
}

// take consumes the entries of an answer, and holds room for them.
func (l *list[T]) take(entries iter.Seq2[T, error], a *answer[T], use func(T)) error {
	for entry, err := range entries {
		if err == nil {
			err = l.hold()
		}
		switch {
		case errors.Is(err, databrain.ErrEntry):
			a.odd++
		case err != nil:
			return err
		default:
			use(entry)
		}
		a.length++
	}
	return nil
}

// fault is the error of an answer that arrived.
func (a *answer[T]) fault() error {
	if a.odd > 0 {
		return &oddEntries{a.odd}
	}
	return nil
}

// pagesMayHelp reports whether err is about the size of the answer: it began and
// did not end as it should, or it took too long.
func pagesMayHelp(err error) bool {
	e, ok := errors.AsType[*databrain.Error](err)
	if !ok {
		return false
	}
	cut := e.Status == 200 && (e.Class == databrain.ClassDecode || e.Class == databrain.ClassNetwork)
	return cut || e.Class == databrain.ClassTimeout
}

// endsAt reports whether pages show that the list has no more than length entries. It
// asks for the page on which the list ends, which has to be as long as what is left and
// to bring nothing new. That page is where it is only if a page has ten entries, which
// the first page of one long list shows for the run.
func (l *list[T]) endsAt(ctx context.Context, length int, lacks bool) (bool, error) {
	pages := map[int]int{length/pageSize + 1: length % pageSize} // number: expected length
	switch {
	case length == 0: // page 1 has to be empty
	case length < pageSize:
		pages = map[int]int{2: 0}
		if lacks || length%5 == 0 {
			pages[1] = length
		}
	case !l.tenPages.Load():
		pages[1] = pageSize
	}
	for number, want := range pages {
		page, err := l.page(ctx, number)
		if err != nil {
			return false, err
		}
		for _, entry := range page.entries {
			if !l.knows(entry) {
				return false, nil
			}
		}
		if page.length != want {
			return l.ignoresPages(ctx, page.length, length)
		}
	}
	if pages[1] == pageSize && length > pageSize {
		l.tenPages.Store(true)
	}
	return true, nil
}

// ignoresPages reports whether the instance answers with the whole list, of that length,
// whatever page is asked for, and whether that can be believed to be all.
func (l *list[T]) ignoresPages(ctx context.Context, page, length int) (bool, error) {
	if page != length || round(length) {
		return false, nil
	}
	far, err := l.page(ctx, maxPages)
	return far.length == length, err
}

// round reports whether length is one that a limit may have: an instance that ignores
// what page is asked for cannot show that its list goes on.
func round(length int) bool { return length > 0 && (length%10 == 0 || length%25 == 0) }

// readPages reads l twice in pages and keeps all that it saw. Their order is not
// documented and the list may change meanwhile, so two passes have to agree; if the
// whole list had been answered, they have to hold all of that too.
func (l *list[T]) readPages(ctx context.Context, whole answer[T], answered bool) error {
	pages, err := l.pass(ctx)
	first := pages.seen
	if err == nil {
		var again pass[T]
		again, err = l.pass(ctx)
		if err == nil && !maps.Equal(first, again.seen) {
			err = errDisagree
		}
		maps.Copy(first, again.seen)
	}
	if err == nil && !answered {
		l.begin()
	}
	known := 0
	for entry := range first {
		if l.knows(entry) {
			known++
		}
		l.keep(entry)
	}
	switch {
	case err != nil:
		return err
	case answered && known < whole.length-whole.odd-whole.repeated:
		return errDisagree
	case pages.repeated && l.lacks():
		return errDisagree // a repetition may have taken the place of what is missing
	case pages.odd > 0:
		return &oddEntries{pages.odd}
	}
	return nil
}

// pass is what one reading of all pages gave.
type pass[T comparable] struct {
	seen     map[T]bool
	odd      int
	repeated bool // an entry came twice
}

// pass reads page after page until one is empty. A short page does not end it: the
// documented length may not be that of every release, and what a pass leaves out would
// count as clean. Two pages in a row that bring nothing new show that the instance
// repeats itself; that is believed only if each page is the whole list.
func (l *list[T]) pass(ctx context.Context) (pass[T], error) {
	p := pass[T]{seen: make(map[T]bool)}
	same, repeats := true, 0
	for number := 1; number <= maxPages; number++ {
		page, err := l.page(ctx, number)
		if err != nil || page.length == 0 {
			return p, err
		}
		repeats++
		for _, entry := range page.entries {
			if p.seen[entry] {
				p.repeated = true
				continue
			}
			p.seen[entry] = true
			repeats = 0
			if err := l.hold(); err != nil {
				return p, err
			}
		}
		p.odd += page.odd
		same = same && len(page.entries) == len(p.seen)
		if repeats < 2 {
			continue
		}
		all, err := l.ignoresPages(ctx, page.length, len(p.seen))
		switch {
		case err != nil:
			return p, err
		case same && all:
			p.repeated = false // by the instance's habit
			return p, nil
		}
		return p, errNoEnd
	}
	return p, errNoEnd
}

// page reads one page. Its entries hold room only meanwhile.
func (l *list[T]) page(ctx context.Context, number int) (page answer[T], err error) {
	before := l.held
	defer func() { l.free(l.held - before) }()
	err = l.do(ctx, &l.effort, func(ctx context.Context, token databrain.Secret) error {
		l.free(l.held - before)
		page = answer[T]{}
		return l.take(l.ask(ctx, token, number), &page, func(entry T) { page.entries = append(page.entries, entry) })
	})
	return page, err
}
