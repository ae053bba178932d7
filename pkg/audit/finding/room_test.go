package finding_test

import (
	"testing"

	"databrain-rotation/pkg/audit/finding"
)

func TestRoom(t *testing.T) {
	room := finding.NewRoom(10)
	for i, step := range []struct {
		take       int64 // less than 0 gives back
		fits, full bool
	}{
		{9, true, false}, {1, true, true}, {1, false, true}, {-1, true, true}, {-1, true, false}, {2, false, true},
		{-2, true, false}, {1, true, true},
	} {
		fits := true
		if step.take < 0 {
			room.Give(-step.take)
		} else {
			fits = room.Take(step.take)
		}
		if fits != step.fits || room.Full() != step.full {
			t.Errorf("step %d: it fits: %t, it is full: %t", i+1, fits, room.Full())
		}
	}
	if room.MoreThanHalf(5) || !room.MoreThanHalf(6) {
		t.Error("half of 10 is not 5")
	}
	endless := finding.NewRoom(0)
	endless.Give(1)
	if !endless.Take(1<<62) || endless.Full() || endless.MoreThanHalf(1<<62) {
		t.Error("a Room of 0 has an end")
	}
}
