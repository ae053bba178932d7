package finding

import "sync/atomic"

// Room is the memory that one run may fill with what it reads. All parts of the run
// share it. A nil Room has no end.
type Room struct {
	size int64
	left atomic.Int64
}

// NewRoom returns a Room of that many bytes; nil for 0.
func NewRoom(bytes int64) *Room {
	if bytes == 0 {
		return nil
	}
	r := &Room{size: bytes}
	r.left.Store(bytes)
	return r
}

// Take takes bytes away and returns false if there were not as many left.
func (r *Room) Take(bytes int64) bool { return r == nil || r.left.Add(-bytes) >= 0 }

// Give gives back what was taken.
func (r *Room) Give(bytes int64) {
	if r != nil {
		r.left.Add(bytes)
	}
}

// Full reports whether nothing is left.
func (r *Room) Full() bool { return r != nil && r.left.Load() <= 0 }

// MoreThanHalf reports whether bytes are more than half of the whole.
func (r *Room) MoreThanHalf(bytes int64) bool { return r != nil && bytes > r.size/2 }
