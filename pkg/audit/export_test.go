package audit

// What the tests of the package need beside its API.
var (
	Batched   = batched
	EntrySize = entrySize

	WriteSnapshot = writeSnapshot
	ReadSnapshot  = readSnapshot
)

// MaxBatchEntries is how many entries one call of PutEvents may hold.
const MaxBatchEntries = maxBatchEntries

// NewGap is the gap of an app, named as the instance spells it.
func NewGap(app string, class GapClass) Gap {
	return Gap{DataApp: shownName(app), Class: class, Attempts: 1, app: app}
}
