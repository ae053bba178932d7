package audit

// What the tests of the package need beside its API.
var (
	Batched   = batched
	EntrySize = entrySize

	WriteSnapshot = writeSnapshot
	ReadSnapshot  = readSnapshot
)

// The limits of one call of PutEvents.
const (
	MaxBatchEntries = maxBatchEntries
	MaxBatchBytes   = maxBatchBytes
)

// NewGap is the gap of an app, named as the instance spells it.
func NewGap(app string, class GapClass) Gap {
	return Gap{DataApp: shownName(app), Class: class, Attempts: 1, app: app}
}
