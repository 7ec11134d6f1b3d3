package config

import (
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// What was given up goes on with the expression that it was at; a daemon that tries again
// must not pile another one on top.
func TestNoSecondEvaluationIsBegunBesideOneThatWasGivenUp(t *testing.T) {
	path := t.TempDir()
	var reading, over atomic.Bool
	done := make(chan struct{})
	giveUp(path, &over, done)
	if !over.Load() {
		t.Error("the evaluation is not told to end at the next expression")
	}
	begun := false
	d := runWithinLimits(path, &reading, new(atomic.Bool), func() { begun = true })
	if begun || d == nil || !strings.Contains(d.Detail, "has not ended yet") {
		t.Errorf("begun: %t, said: %+v", begun, d)
	}
	if d := runWithinLimits(path+"x", &reading, new(atomic.Bool), func() {}); d != nil {
		t.Errorf("another configuration is refused too: %+v", d)
	}
	close(done)
	for _, running := abandoned.Load(path); running; _, running = abandoned.Load(path) {
		runtime.Gosched()
	}
	if d := runWithinLimits(path, &reading, new(atomic.Bool), func() { begun = true }); d != nil || !begun {
		t.Errorf("it is refused for ever: %+v", d)
	}
}
