package crash

import "testing"

// interruptions are what may happen to the program from outside, but for a kill: signals,
// alone and two of them at once, as a wrapper and a terminal send them, and readers of
// its output that go away.
var interruptions = []string{"TERM", "INT", "HUP", "closed", "INT,TERM", "HUP,INT"}

// TestInterruptedAtEachPoint is the matrix with interruptions. They take turns at the
// points; the soak tests try each at each.
func TestInterruptedAtEachPoint(t *testing.T) {
	eachPoint(
		t,
		workers,
		func() storage { return fileStorage{} },
		interruptedInMatrix,
		func(t *testing.T, c *recordedRun, i int) {
			c.interruptAt(t, i, interruptions[i%len(interruptions)])
		},
	)
}

// interruptAt interrupts the action at a point, and wants it to end by itself with all
// that the upstream has issued where the next apply finds it: unlike a kill, nothing that
// comes from outside may take an answer along.
func (c *recordedRun) interruptAt(t *testing.T, i int, how string) {
	w := c.prepared(t, c.at, c.provider)
	code, out, _ := c.perform(w, "CREDSYNC_CRASHPOINTS_INTERRUPT="+c.points[i], "CREDSYNC_CRASHPOINTS_HOW="+how)
	if code != 0 && code != 1 && code != 3 {
		t.Fatalf("%s: the program did not end by itself, but with %d:\n%s", how, code, out)
	}
	if how == "closed" && code != 1 {
		t.Errorf("the result could not be written, and the program ended with %d", code)
	}
	if access, refresh := w.newest(); access.Value != "" && !w.knows(access.Value, refresh.Value) && !c.gone &&
		!w.noAccount {
		t.Errorf("P1: %s: the upstream has handed out a token that credsync does not know:\n%s", how, out)
	}
	w.checkTargets()
	w.checkTrail()
	want := c.ends
	if c.code && w.hasToken() {
		want = 0
	}
	if code, out, _ := w.run(nil, apply...); code != want {
		t.Fatalf("%s: apply ended with %d, not %d:\n%s", how, code, want, out)
	}
	w.check(c, false)
	w.checkTrail()
}
