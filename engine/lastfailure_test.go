package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// Who looks at an account that a run has failed on is told why it failed.
func TestStatusSaysWhatTheConfigurationSaysOfAnAccount(t *testing.T) {
	w := newWorld(t, strings.Replace(twoSinks, `password = "pw"`, "password = \"pw\"\n  description = \"till\"\n  contact = \"Ana\"", 1))
	a := engine.Document(w.plan(engine.Request{Offline: true, LookOnly: true})).Accounts[0]
	if a.Description == nil || *a.Description != "till" || a.Contact == nil || *a.Contact != "Ana" {
		t.Errorf("%v, %v", a.Description, a.Contact)
	}
	w = newWorld(t, twoSinks)
	if a := engine.Document(w.plan(engine.Request{Offline: true})).Accounts[0]; a.Description != nil ||
		a.Contact != nil {
		t.Errorf("%v, %v", a.Description, a.Contact)
	}
}

func TestStatusKnowsWhyTheLastRunFailed(t *testing.T) {
	look := engine.Request{Offline: true, LookOnly: true}
	tests := map[string]struct {
		fail, heal func(w *world)
		want       string
	}{
		"login": {
			func(w *world) { w.up.onLogin = only(1000, refuse(failure.Server, "log in")) },
			func(w *world) { w.up.onLogin = nil },
			"The login failed",
		},
		"delivery": {
			func(w *world) { w.sinks["other"].Fail = failing(memorysink.Write, 1000, sinks.ErrDenied) },
			func(w *world) { w.sinks["other"].Fail = nil },
			"other",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, twoSinks)
			if f := w.plan(look).Accounts[0].LastFailure; f != nil {
				t.Errorf("before any run: %+v", f)
			}
			tt.fail(w)
			w.apply()
			w.advance(time.Minute)
			d := engine.Document(w.plan(look))
			f := d.Accounts[0].LastFailure
			if f == nil || !strings.Contains(f.Message, tt.want) || strings.Contains(f.Message, "pw") ||
				!f.At.Before(w.Now()) {
				t.Fatalf("%+v, want why it failed (%s)", f, tt.want)
			}
			tt.heal(w)
			w.mustApply()
			w.advance(29 * 24 * time.Hour)
			if p := w.plan(look).Accounts[0]; p.LastFailure != nil {
				t.Errorf("after a good run, with %s to do: %+v", p.Action, p.LastFailure)
			}
		})
	}
}
