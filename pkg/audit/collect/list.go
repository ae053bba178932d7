package collect

import (
	"context"
	"errors"
	"iter"
	"maps"

	"databrain-rotation/pkg/databrain"
)

// maxPages bounds a list that never ends.
const maxPages = 10_000

// errDisagree: two passes over the pages of a list gave different entries.
var errDisagree = errors.New("two passes over the pages of the list disagree")

// list is one list of the API: the data apps, or the tokens of one.
type list[T any] struct {
	whole func(context.Context, databrain.Secret) iter.Seq2[T, error]
	pages func(ctx context.Context, token databrain.Secret, first int) iter.Seq2[[]T, error]
	key   func(T) string // what makes two entries the same
}

// read reads l and hands its entries to what begin returns. Begin is called anew
// for each attempt, and what an earlier attempt handed over does not count. With
// an error the list is not complete, but what was handed over since the last call
// of begin is real: what the last answer held, and what the pages added.
//
// The whole list comes in one answer, which is consistent. If that answer can not
// be had whole, because it is too large or takes too long or something cuts it,
// the list is read in pages. Their order is not documented and the list may change
// meanwhile, so two passes have to agree.
func (l list[T]) read(ctx context.Context, r *requester, effort *int, begin func() func(T)) error {
	var yield func(T)
	err := r.do(ctx, effort, func(ctx context.Context, token databrain.Secret) error {
		yield = begin()
		for entry, err := range l.whole(ctx, token) {
			if err != nil {
				return err
			}
			yield(entry)
		}
		return nil
	})
	if err == nil || !pagesMayHelp(err) {
		return err
	}
	seen, err := l.readPages(ctx, r, effort)
	if err == nil {
		yield = begin()
	}
	for _, entry := range seen {
		yield(entry)
	}
	return err
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

// readPages reads l twice and returns all that it saw.
func (l list[T]) readPages(ctx context.Context, r *requester, effort *int) (map[string]T, error) {
	first, err := l.pass(ctx, r, effort)
	if err != nil {
		return first, err
	}
	second, err := l.pass(ctx, r, effort)
	if err == nil && !maps.EqualFunc(first, second, func(T, T) bool { return true }) {
		err = errDisagree
	}
	maps.Copy(first, second)
	return first, err
}

// pass reads page after page until one is empty or brings nothing new. A short page
// does not end it: the documented length may not be that of every release, and what
// a pass leaves out would count as clean.
func (l list[T]) pass(ctx context.Context, r *requester, effort *int) (map[string]T, error) {
	seen := make(map[string]T)
	for number := 1; number <= maxPages; number++ {
		page, err := l.page(ctx, r, effort, number)
		if err != nil {
			return seen, err
		}
		known := len(seen)
		for _, entry := range page {
			seen[l.key(entry)] = entry
		}
		if len(seen) == known {
			return seen, nil
		}
	}
	return seen, errDisagree
}

func (l list[T]) page(ctx context.Context, r *requester, effort *int, number int) (page []T, err error) {
	err = r.do(ctx, effort, func(ctx context.Context, token databrain.Secret) error {
		for entries, err := range l.pages(ctx, token, number) {
			page = entries
			return err
		}
		return nil
	})
	return page, err
}
