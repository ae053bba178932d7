package audit

import "time"

// Report is everything that a report of one run needs. It is not changed once it
// is handed to a writer.
type Report struct {
	Summary    Summary
	Findings   []Finding // observed in this run, by WorstFirst
	Resolved   []Finding // gone since the last run, by WorstFirst
	Superseded []Finding // resolved too, but only to make way for worse ones among Findings
	Gaps       []Gap     // the app list first, then by name
	Exceptions []ExceptionStatus
	Ages       []AgeBin // every token that was read and has a usable date
	Undated    int      // tokens that were read and have none
	Policy     Policy   // as applied, with inherited fields filled in
	Posture    Posture
	EmittedAt  time.Time

	// eventBase is what event ids derive from besides the finding; see eventID.
	eventBase string
}
