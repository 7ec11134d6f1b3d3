package audit

import "time"

// SetPause replaces how the trail waits for another process to finish its line,
// and returns what undoes that.
func SetPause(f func(time.Duration)) (undo func()) {
	before := pause
	pause = f
	return func() { pause = before }
}
