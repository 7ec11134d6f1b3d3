package engine_test

import (
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

const restarting = `
sink "memory" "main" {}
sink "memory" "other" { name = "other" }
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  password = "pw"
  deliver "memory" "main" {
    path    = "a"
    restart = ["shop"]
  }
  deliver "memory" "other" { path = "a" }
}
`

func TestConsumersAreRestartedOncePerToken(t *testing.T) {
	w := newWorld(t, restarting)
	restarts := func() int { return w.sinks["main"].Restarts("shop") }
	w.mustApply()
	w.mustApply()
	if restarts() != 1 {
		t.Fatalf("%d restarts for the first token", restarts())
	}
	w.sinks["main"].SoftRemove("a")
	w.mustApply()
	if restarts() != 1 {
		t.Errorf("a repaired target restarted its consumers")
	}
	w.advance(29 * 24 * time.Hour)
	w.mustApply()
	w.expect("a none current")
	if restarts() != 2 {
		t.Errorf("%d restarts for two tokens", restarts())
	}
}

func TestConsumersAreRestartedOnlyWhenEveryTargetHasTheToken(t *testing.T) {
	w := newWorld(t, restarting)
	w.sinks["other"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	w.apply()
	if n := w.sinks["main"].Restarts("shop"); n != 0 {
		t.Fatalf("%d restarts while a target lacks the token", n)
	}
	w.mustApply()
	if n := w.sinks["main"].Restarts("shop"); n != 1 {
		t.Errorf("%d restarts", n)
	}
	w.expect("a none current")
}

func TestRestartThatFailsIsMadeUpFor(t *testing.T) {
	w := newWorld(t, restarting)
	w.sinks["main"].Fail = failing(memorysink.Restart, 1, sinks.ErrDenied)
	if s := w.apply(); s.Count(engine.Failed) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	w.expect("a deliver restart_due")
	writes := w.sinks["main"].Calls(memorysink.Write)
	w.mustApply()
	if n := w.sinks["main"].Restarts("shop"); n != 1 {
		t.Errorf("%d restarts", n)
	}
	if n := w.sinks["main"].Calls(memorysink.Write); n != writes {
		t.Errorf("the target was written %d more times", n-writes)
	}
	w.expect("a none current")
}
