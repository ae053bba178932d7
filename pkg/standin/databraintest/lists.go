package databraintest

import (
	"cmp"
	"iter"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// pageSize is fixed ({REF}/list-data-apps).
const pageSize = 10

func (s *Server) pageSize() int { return cmp.Or(s.switches.PageSize, pageSize) }

// paging is what a list request asks for: page number from 1, or 0 for all.
type paging int

// parsePaging reads isPagination and pageNumber, both strings. Joi's texts, and
// that an absent pageNumber means 1, are inferred.
func parsePaging(q url.Values) (paging, string) {
	on := q.Get("isPagination")
	if q.Has("isPagination") && on != "true" && on != "false" {
		return 0, `"isPagination" must be one of [true, false]`
	}
	number := 1
	if q.Has("pageNumber") {
		n, err := strconv.Atoi(q.Get("pageNumber"))
		if err != nil {
			return 0, `"pageNumber" must be a number`
		}
		if n < 1 {
			return 0, `"pageNumber" must be greater than or equal to 1`
		}
		number = n
	}
	if on != "true" {
		return 0, ""
	}
	return paging(number), ""
}

func (s *Server) paged(p paging) paging {
	if p == 0 && s.switches.IgnoreWhole {
		return 1
	}
	if s.switches.IgnorePagination {
		return 0
	}
	return p
}

// rows are the entries of one page of that size; past the last page there are none.
func rows[T any](p paging, size int, all iter.Seq[T], row func(T) []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := 0
		for v := range all {
			on := i / size // compared as pages, which cannot overflow
			i++
			if p > 0 && on < int(p)-1 {
				continue
			}
			if p > 0 && on > int(p)-1 {
				return
			}
			if !yield(row(v)) {
				return
			}
		}
	}
}

// spoil makes of the entries of an answer what the switches say.
func spoil[T any](s *Server, p paging, all iter.Seq[T]) iter.Seq[T] {
	leaveOut, most := s.switches.LeaveOut, s.switches.Cap
	if p > 0 {
		leaveOut, most = 0, 0
	}
	return func(yield func(T) bool) {
		i, given := 0, 0
		for entry := range all {
			i++
			if leaveOut > 0 && i%leaveOut == 0 {
				continue
			}
			if given++; most > 0 && given > most || !yield(entry) {
				return
			}
		}
	}
}

func (s *Server) answered(rows iter.Seq[[]byte]) iter.Seq[[]byte] {
	if s.switches.Repeat {
		return repeated(rows)
	}
	return rows
}

// repeated gives the first row in place of the last, if there are more.
func repeated(rows iter.Seq[[]byte]) iter.Seq[[]byte] {
	all := slices.Collect(rows)
	if len(all) > 1 {
		all[len(all)-1] = all[0]
	}
	return slices.Values(all)
}

// arrange puts entries into the order that the switches say.
func arrange[T any](s *Server, entries []T, created func(T) time.Time) {
	slices.SortStableFunc(entries, func(a, b T) int { return created(b).Compare(created(a)) })
	if s.switches.Order == NewestFirst {
		return
	}
	if s.switches.Order == Reshuffled {
		s.shuffle++
	}
	rand.New(rand.NewPCG(s.switches.Seed, s.shuffle)).Shuffle(len(entries), func(i, j int) {
		entries[i], entries[j] = entries[j], entries[i]
	})
}

// date writes t as the switches say.
func (s *Server) date(t time.Time) string {
	switch s.switches.Timestamps {
	case Milliseconds:
		return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	case Offset:
		return t.In(time.FixedZone("", 5*3600+30*60)).Format("2006-01-02T15:04:05.000000-07:00")
	}
	return t.UTC().Format("2006-01-02T15:04:05Z07:00")
}
