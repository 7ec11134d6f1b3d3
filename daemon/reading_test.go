package daemon

import (
	"slices"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
)

// What the loop has not taken yet is not lost when another configuration comes.
func TestChangesThatTheLoopHasNotTakenAreAddedUp(t *testing.T) {
	d, _ := still(4)
	d.tellLoop(
		change{
			Changes: engine.Changes{Added: []string{"a"}, Changed: []string{"b"}, Removed: []string{"c"}},
			files:   true,
		},
	)
	d.tellLoop(change{Changes: engine.Changes{Added: []string{"d"}, Changed: []string{"e"}, Removed: []string{"f"}}})
	c := <-d.reloaded
	if !slices.Equal(c.Added, []string{"a", "d"}) || !slices.Equal(c.Changed, []string{"b", "e"}) || !c.files {
		t.Errorf("told of %+v", c)
	}
	select {
	case c := <-d.reloaded:
		t.Errorf("told twice: %+v", c)
	default:
	}
}

// The pause grows with each reading that fails, and starts over after one that does not.
func TestTheConfigurationIsReadAgainEverMoreRarely(t *testing.T) {
	var r fileReading
	for round := range 2 {
		for i, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			r.attempt(t0, fingerprints{})
			if r.failed(t0, true); !r.again.Equal(t0.Add(want * time.Second)) {
				t.Errorf("round %d, after %d failures: again in %s, want %d s", round, i+1, r.again.Sub(t0), want)
			}
		}
		if r.succeeded(fingerprints{}); !r.again.IsZero() {
			t.Errorf("it is read again at %s, though it was read", r.again)
		}
	}
	r.failed(t0, true)
	if r.failed(t0, false); !r.again.IsZero() {
		t.Errorf("what does not pass is tried again at %s", r.again)
	}
}
