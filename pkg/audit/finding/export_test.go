package finding

// RecordWeight is what a record counts as, in bytes.
const RecordWeight = recordWeight
