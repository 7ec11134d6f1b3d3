package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
)

// A thousand runs, eight at a time as CronJobs, pipelines and daemons that
// know nothing of each other, make one login.
func TestThousandAppliesMakeOneRefusedLogin(t *testing.T) {
	const runners, each = 8, 125
	eachRefusal(t, func(t *testing.T, w *world) {
		w.frozen = true
		engines := make([]*engine.Engine, runners)
		for i := range engines {
			w.holder = fmt.Sprintf("runner-%d", i)
			engines[i] = w.engine()
		}
		var work sync.WaitGroup
		for _, e := range engines {
			work.Go(func() {
				for range each {
					s := e.Apply(context.Background(), e.Plan(context.Background(), engine.Request{}), ignore{})
					if s.Count(engine.Blocked) != 1 {
						t.Errorf("%+v", s.Outcomes)
						return
					}
				}
			})
		}
		work.Wait()
		w.wantLogins(1)

		w.hcl = strings.Replace(oneAccount, `"pw"`, `"another"`, 1)
		w.apply()
		w.apply()
		w.wantLogins(2)

		for n := 3; n < 6; n++ {
			w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
			w.apply()
			w.wantLogins(n)
		}
		w.begin()
		w.apply()
		w.wantLogins(6)
	})
}

// What has nothing to do with the login does not lift a refusal: other
// attributes, other targets, being disabled for a while.
func TestOtherChangesOfTheConfigurationDoNotLiftARefusal(t *testing.T) {
	eachRefusal(t, func(t *testing.T, w *world) {
		w.apply()
		edits := []string{
			strings.Replace(oneAccount, `path = "a" }`, "path = \"b\" }", 1),
			strings.Replace(oneAccount, `{ path = "a" }`, "{\n path = \"a\"\n adopt = true\n }", 1),
			strings.Replace(oneAccount, `user     =`, "rotate_before = \"1h\"\n  on_remove = \"delete\"\n  user =", 1),
			strings.Replace(oneAccount, `user     =`, "enabled = false\n  user =", 1),
			strings.Replace(oneAccount, `user     =`, "http {\n timeout = \"5s\"\n }\n  user =", 1),
			oneAccount,
		}
		if w.up.onLogin().(*failure.Error).Reason != failure.NoAccess {
			// Access may be there for another branch.
			edits = append(edits, strings.Replace(oneAccount, `user     =`, "branch = \"2\"\n  user =", 1))
		}
		for _, hcl := range edits {
			w.hcl = hcl
			w.apply()
			w.advance(time.Hour)
		}
		w.wantLogins(1)
	})
}

// plan writes nothing, and plan --authenticate writes what apply would.
func TestPlansMakeNoFurtherLogin(t *testing.T) {
	eachRefusal(t, func(t *testing.T, w *world) {
		for range 10 {
			w.plan(engine.Request{})
		}
		w.wantLogins(0)
		for range 10 {
			e := w.engine()
			e.Authenticate(context.Background(), e.Plan(context.Background(), engine.Request{}), ignore{})
		}
		w.apply()
		w.wantLogins(1)
	})
}

// The refusal is what must reach the state, whatever the state does meanwhile.
func TestRefusalIsRememberedThoughTheStateFails(t *testing.T) {
	for name, disturb := range map[string]func(w *world) func(string, sinks.Target) error{
		"unreachable for a minute": func(*world) func(string, sinks.Target) error {
			return failing(memorysink.Write, 6, sinks.ErrUnavailable)
		},
		"denied for a moment": func(*world) func(string, sinks.Target) error {
			return failing(memorysink.Write, 2, sinks.ErrDenied)
		},
		"written by someone else": func(w *world) func(string, sinks.Target) error {
			return failing(memorysink.Write, 1, sinks.ErrConflict)
		},
		"record is deleted": func(w *world) func(string, sinks.Target) error {
			for _, path := range w.sinks["state"].Paths() {
				w.sinks["state"].Remove(path)
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachRefusal(t, func(t *testing.T, w *world) {
				refusal := w.up.onLogin
				var once sync.Once
				w.up.onLogin = func() error {
					once.Do(func() { w.sinks["state"].Fail = disturb(w) })
					return refusal()
				}
				for range 5 {
					w.apply()
				}
				w.wantLogins(1)
			})
		})
	}
}

// A crash between the upstream's refusal and its record costs one login more,
// and no second: the bound that docs/reliability.md names.
func TestCrashBeforeARefusalIsRememberedCostsOneLogin(t *testing.T) {
	eachRefusal(t, func(t *testing.T, w *world) {
		for crash := range 3 {
			w.crashAtLogin(fmt.Sprintf("runner-%d", crash))
			w.advance(5 * time.Minute)
		}
		w.wantLogins(3)
		for range 10 {
			w.apply()
		}
		w.wantLogins(4)
	})
}

// crashAtLogin applies, and ends the run for good once the upstream has
// answered: none of its writes arrives any more.
func (w *world) crashAtLogin(holder string) {
	w.t.Helper()
	refusal := w.up.onLogin
	ctx, stop := context.WithCancel(context.Background())
	w.holder = holder
	w.up.onLogin = func() error {
		stop()
		w.sinks["state"].Fail = failing(memorysink.Write, 1000, sinks.ErrUnavailable)
		return refusal()
	}
	w.applyWith(ctx, engine.Request{})
	w.up.onLogin, w.sinks["state"].Fail = refusal, nil
}

// An account that is renamed inherits what was known. One whose record was deleted
// is a new one: its login is tried once more, and once only.
func TestRenamedAccountTriesNothingAgainAndADeletedRecordOnce(t *testing.T) {
	eachRefusal(t, func(t *testing.T, w *world) {
		w.apply()
		w.hcl = strings.Replace(oneAccount, `"fake" "a"`, `"fake" "renamed"`, 1)
		for range 5 {
			w.apply()
		}
		w.wantLogins(1)
		for _, path := range w.sinks["state"].Paths() {
			w.sinks["state"].Remove(path)
		}
		for range 5 {
			w.apply()
		}
		w.wantLogins(2)
	})
}

// A token that the upstream rejects at each verification is no reason to log
// in at each run either.
func TestVerificationThatAlwaysRefusesEndsTheLogins(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onVerify = func() error { return refuse(failure.Credentials, "verify the token") }
	w.up.onRefresh = func() error { return refuse(failure.Credentials, "refresh the token") }
	for range 100 {
		w.apply()
		w.advance(10 * time.Minute)
	}
	w.wantLogins(2)
}

// A wrong code is one attempt of the human who typed it, and no apply adds to
// it.
func TestWrongCodeIsTriedOncePerCommand(t *testing.T) {
	w := newTwoFactorWorld(t)
	w.begin()
	for n := 1; n <= 3; n++ {
		w.finish(credential.NewSecret("0000"))
		for range 20 {
			w.apply()
		}
		if w.up.tries != n || w.up.codes != 1 {
			t.Fatalf("%d codes tried and %d sent, want %d and 1", w.up.tries, w.up.codes, n)
		}
	}
	w.wantLogins(1)
}

// The last refusals are kept, not all for ever.
func TestManyPasswordsAreEachTriedOnce(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = func() error { return refuse(failure.Credentials, "log in") }
	for range 3 {
		for i := range state.MaxRejections {
			w.hcl = strings.Replace(oneAccount, `"pw"`, fmt.Sprintf("%q", fmt.Sprint("wrong", i)), 1)
			w.apply()
		}
	}
	w.wantLogins(state.MaxRejections)
}
