package secretsmanagertest

import "slices"

// The staging labels that Secrets Manager itself moves (user guide, "What's in a
// Secrets Manager secret?", Version).
const (
	Current  = "AWSCURRENT"
	Pending  = "AWSPENDING"
	Previous = "AWSPREVIOUS"
)

// has tells whether v carries label; a nil version carries none.
func (v *version) has(label string) bool {
	return v != nil && slices.Contains(v.labels, label)
}

func (v *version) attach(label string) {
	if i, found := slices.BinarySearch(v.labels, label); !found {
		v.labels = slices.Insert(v.labels, i, label)
	}
}

func (v *version) detach(label string) {
	v.labels = slices.DeleteFunc(v.labels, func(l string) bool { return l == label })
}

// holder is the version that carries label, or nil.
func (sec *secret) holder(label string) *version {
	for _, v := range sec.versions {
		if v.has(label) {
			return v
		}
	}
	return nil
}

// place puts label on v alone: a label is on one version at a time.
func (sec *secret) place(label string, v *version) {
	if old := sec.holder(label); old != nil {
		old.detach(label)
	}
	v.attach(label)
}

// move places label, and when that takes AWSCURRENT from another version,
// AWSPREVIOUS follows to the version that lost it (API reference,
// UpdateSecretVersionStage).
func (sec *secret) move(label string, to *version) {
	from := sec.holder(label)
	sec.place(label, to)
	if label == Current && from != nil && from != to {
		sec.place(Previous, from)
	}
}

// abandon takes AWSPENDING from every version but keep: a version made by hand
// ends the rotation that was under way (user guide, CloudTrail entries,
// RotationAbandoned).
func (sec *secret) abandon(keep *version) {
	if v := sec.holder(Pending); v != nil && v != keep {
		v.detach(Pending)
	}
}

// stages are the labels of every labeled version, by version id.
func (sec *secret) stages() map[string][]string {
	m := make(map[string][]string)
	for _, v := range sec.versions {
		if len(v.labels) > 0 {
			m[v.id] = slices.Clone(v.labels)
		}
	}
	return m
}
