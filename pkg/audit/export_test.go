package audit

// What the tests of the package need beside its API.
var (
	Batched   = batched
	EntrySize = entrySize
)

// MaxBatchEntries is how many entries one call of PutEvents may hold.
const MaxBatchEntries = maxBatchEntries
