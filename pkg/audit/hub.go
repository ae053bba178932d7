package audit

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/audit/report"
)

// What one call of BatchImportFindings may hold
// (https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html).
// A finding of the audit is far smaller than the 240 KB that each may have.
const (
	maxImportFindings = 100
	maxImportBytes    = 6_000_000
)

const (
	hubRounds     = 4  // in a row that take nothing, until the import is given up
	hubHalvings   = 64 // calls that are refused as a whole and are made again in two parts
	importStart   = `{"Findings":[`
	importEnd     = `]}`
	importBetween = ","
)

// importFindings imports into Security Hub what it does not know yet, and once a day what
// it knows. It comes after the events and the reports, and leaves time for the last event
// and the state, so that a slow Security Hub costs none of them.
func (r *run) importFindings(ctx context.Context) {
	ctx, cancel := r.before(ctx, afterImport)
	defer cancel()
	product, known := report.ParseProduct(r.request.FunctionARN)
	i := &importing{run: r, product: product}
	due := i.due()
	if !known {
		r.failed(ctx, hubName, len(due), &hubFailure{
			"the ARN of this function is not known, and with it the account and the region",
			"Invoke the function by Lambda.",
		})
		return
	}
	lost, cause := i.send(ctx, due)
	r.next.ForgetArchived()
	r.Log.InfoContext(ctx, "findings imported into Security Hub", slog.Int("imported", len(due)-lost))
	if lost > 0 {
		r.failed(ctx, hubName, lost, hubFailed(cause, product))
	}
}

const hubName = "Security Hub"

// importing is one import into Security Hub.
type importing struct {
	*run
	product  report.Product
	halvings int
}

// imported is a finding to import, and what the next state knows of it; nil if the state
// does not keep it.
type imported struct {
	finding *finding.Finding
	record  *finding.Record
}

// due returns what is to be imported. First comes what Security Hub does not know: the
// worst findings, what was resolved, and what an earlier run could not import and this
// one did not see. Then comes what only has to be refreshed, the longest ago first, so
// that each has its turn even if no run has time for all. What is due stays owed until
// it is taken.
func (i *importing) due() []imported {
	records := make(map[string]*finding.Record, len(i.next.Findings))
	for n := range i.next.Findings {
		record := &i.next.Findings[n]
		records[record.ID] = record
	}
	var due, refresh []imported
	for _, findings := range [][]finding.Finding{i.report.Findings, i.report.Resolved, i.report.Superseded} {
		for n := range findings {
			f := &findings[n]
			record := records[f.ID]
			delete(records, f.ID)
			switch known, is := i.isDue(f, record); {
			case is && known:
				refresh = append(refresh, imported{f, record})
			case is:
				due = append(due, imported{f, record})
			}
		}
	}
	for n := range i.next.Findings {
		record := &i.next.Findings[n]
		if records[record.ID] == record && record.Owed() {
			f := record.Stated()
			due = append(due, imported{&f, record})
		}
	}
	slices.SortStableFunc(refresh, func(a, b imported) int { return a.record.Import.At.Compare(b.record.Import.At) })
	due = append(due, refresh...)
	for _, d := range due {
		if d.record != nil {
			d.record.Owe()
		}
	}
	return due
}

// isDue reports whether Security Hub knows all that f says, and whether f is to be imported.
func (i *importing) isDue(f *finding.Finding, record *finding.Record) (known, due bool) {
	switch {
	case record == nil: // the state has no room to tell, or nothing to keep of what was never imported
		return false, f.State != finding.Resolved || i.next.Dropped.Resolved > 0
	case f.State == finding.Resolved:
		return false, record.Owed() // else Security Hub never heard of it
	}
	_, digest, err := i.report.ASFF(f, i.product, time.Time{})
	known = err == nil && record.Import != nil && record.Import.Digest == digest
	return known, !known || record.Import.Aged(i.report.EmittedAt)
}

// send imports findings, and repeats the import of those that were not taken. It returns
// how many were not taken in the end, and why the first of those was not.
func (i *importing) send(ctx context.Context, due []imported) (lost int, cause error) {
	for fruitless := 0; len(due) > 0; {
		left, err := i.round(ctx, due)
		if len(left) == 0 {
			return 0, nil
		}
		cause = err
		if fruitless++; len(left) < len(due) {
			fruitless = 0
		}
		due = left
		if fruitless == hubRounds || hopeless(err) || !collect.Pause(ctx, collect.Jitter(200*time.Millisecond<<fruitless)) {
			break
		}
	}
	return len(due), cause
}

// round imports findings in batches until a call fails. It returns those that were not
// taken and why the first of them was not.
func (i *importing) round(ctx context.Context, due []imported) (left []imported, cause error) {
	for len(due) > 0 {
		batch, err := i.batch(due)
		if err != nil {
			return append(left, due...), cmp.Or(cause, err)
		}
		due = due[len(batch):]
		refused, err, again := i.put(ctx, batch)
		left = append(left, refused...)
		cause = cmp.Or(cause, err)
		if !again {
			return append(left, due...), cause
		}
	}
	return left, cause
}

// encoded is a finding on its way.
type encoded struct {
	imported
	text, digest string
	updated      time.Time
}

// batch encodes as many of due as one call may hold.
func (i *importing) batch(due []imported) ([]encoded, error) {
	var batch []encoded
	size := len(importStart + importEnd)
	for _, next := range due {
		e := encoded{imported: next}
		var last *finding.Import
		if next.record != nil {
			last = next.record.Import
		}
		e.updated = last.Next(i.report.EmittedAt)
		var err error
		if e.text, e.digest, err = i.report.ASFF(next.finding, i.product, e.updated); err != nil {
			return nil, err
		}
		size += len(e.text) + len(importBetween)
		if len(batch) == maxImportFindings || len(batch) > 0 && size > maxImportBytes {
			break
		}
		batch = append(batch, e)
	}
	return batch, nil
}

// put imports one batch. It returns what was not taken and why, and whether another call
// may succeed. A call that is refused for what it holds is made again in two parts, so
// that one odd finding does not keep back the others.
func (i *importing) put(ctx context.Context, batch []encoded) (left []imported, cause error, again bool) {
	refused, err := i.Hub.importFindings(ctx, batch)
	switch {
	case err != nil && aboutContent(err) && len(batch) > 1 && i.halvings < hubHalvings:
		i.halvings++
		half := len(batch) / 2
		if left, cause, again = i.put(ctx, batch[:half]); !again {
			return append(left, i.leave(batch[half:])...), cause, false
		}
		more, err, again := i.put(ctx, batch[half:])
		return append(left, more...), cmp.Or(cause, err), again
	case err != nil:
		return i.leave(batch), err, aboutContent(err)
	}
	again = true
	for _, e := range batch {
		n := slices.IndexFunc(refused, func(r refusal) bool { return r.Id == e.finding.ID })
		if n < 0 {
			e.remember(e.digest)
			continue
		}
		left = append(left, i.leave([]encoded{e})...)
		cause = cmp.Or[error](cause, &refused[n])
		again = again && refused[n].ErrorCode != invalidAccess
	}
	return left, cause, again
}

// leave returns the findings of a batch, none of which was taken as far as is known.
func (i *importing) leave(batch []encoded) (left []imported) {
	for _, e := range batch {
		e.remember("")
		left = append(left, e.imported)
	}
	return left
}

func (e *encoded) remember(digest string) {
	if e.record != nil {
		e.record.Import = &finding.Import{At: e.updated, Digest: digest}
	}
}

func body(batch []encoded) []byte {
	b := []byte(importStart)
	for n, e := range batch {
		if n > 0 {
			b = append(b, importBetween...)
		}
		b = append(b, e.text...)
	}
	return append(b, importEnd...)
}
