package daemon

import (
	"fmt"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
)

const every = 10 * time.Minute

func TestChecksAreSpreadEvenlyAndKeepTheirPace(t *testing.T) {
	const accounts = 1000
	perMinute := map[int]int{}
	for i := range accounts {
		address := fmt.Sprintf("account.sagi.shop[%q]", fmt.Sprint(i))
		first := nextCheck(address, t0, every)
		if wait := first.Sub(t0); wait < every/4 || wait >= every*5/4 {
			t.Fatalf("%s is checked in %s", address, wait)
		}
		if again := nextCheck(address, first.Add(time.Second), every); again.Sub(first) != every {
			t.Fatalf("%s is checked %s after its check", address, again.Sub(first))
		}
		perMinute[int(first.Sub(first.Truncate(every)).Minutes())]++
	}
	for minute := range 10 {
		if n := perMinute[minute]; n < accounts/10*2/3 || n > accounts/10*3/2 {
			t.Errorf("%d of %d checks are in minute %d of 10", n, accounts, minute)
		}
	}
}

func TestFirstLooksAreSpread(t *testing.T) {
	if at := firstLook("account.sagi.a", t0, 1); !at.Equal(t0) {
		t.Errorf("the only account waits %s", at.Sub(t0))
	}
	var last time.Duration
	for i := range 5000 {
		last = max(last, firstLook(fmt.Sprint("account.sagi.", i), t0, 5000).Sub(t0))
	}
	if last > startSpread || last < startSpread*9/10 {
		t.Errorf("the last of 5000 accounts waits %s", last)
	}
}

// tended is an account whose token of an hour is half through.
func tended(action plan.Action, o *engine.Outcome) engine.AccountResult {
	return engine.AccountResult{Plan: &engine.AccountPlan{
		Decision: plan.Decision{Address: "account.sagi.a", Action: action, Reason: plan.Current, RotateAt: t0.Add(20 * time.Minute)},
		IssuedAt: t0.Add(-30 * time.Minute), ExpiresAt: t0.Add(30 * time.Minute),
	}, Outcome: o}
}

func failed(class failure.Class) *engine.Outcome {
	return &engine.Outcome{Result: engine.Failed, Class: class}
}

func TestPausesGrowToABoundThatDependsOnWhatIsWrong(t *testing.T) {
	tests := []struct {
		name           string
		outcome        engine.Outcome
		first, longest time.Duration
	}{
		{"what passes by itself", engine.Outcome{Class: "retryable"}, firstPause, passingPause},
		{"a state out of reach", engine.Outcome{Class: failure.Unavailable}, firstPause, passingPause},
		{"a missing permission", engine.Outcome{Class: failure.Denied}, firstPause, every},
		{"an undocumented answer to a login", engine.Outcome{Class: "server", Logins: 1}, 15 * time.Minute, every},
		{"an undocumented answer to a refresh", engine.Outcome{Class: "server", Refreshes: 1}, firstPause, every},
		{"a wrong request", engine.Outcome{Class: "config"}, every, every},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.first = min(tt.first, loginPause, tt.longest)
			if tt.outcome.Class == "config" {
				tt.first = every
			}
			tt.outcome.Result = engine.Failed
			td := tended(plan.Refresh, &tt.outcome)
			before := time.Duration(0)
			for n := range 40 {
				p := pauseAfter(n+1, td, every, "seed")
				want := tt.longest
				if n < 20 {
					want = min(want, tt.first<<n)
				}
				if p > want || p < want*3/4 {
					t.Fatalf("after %d failures %s, want up to a quarter less than %s", n+1, p, want)
				}
				if n > 0 && p < before*3/4 {
					t.Fatalf("after %d failures %s, before it %s", n+1, p, before)
				}
				before = p
			}
		})
	}
}

// Checking often is no leave to log in often: an answer that nobody documented
// may have been a rejection, and whoever gets a request wrong sends the password
// along with it.
func TestFrequentChecksDoNotRepeatAFailedLoginFaster(t *testing.T) {
	for _, class := range []failure.Class{"server", "config", failure.Other} {
		td := tended(plan.Reissue, &engine.Outcome{Result: engine.Failed, Class: class, Logins: 1})
		for n := 1; n <= 40; n++ {
			often, seldom := pauseAfter(n, td, time.Second, "seed"), pauseAfter(n, td, every, "seed")
			if often != seldom {
				t.Fatalf("%s: after %d failures with a check each second %s, else %s", class, n, often, seldom)
			}
		}
	}
}

func TestShortLivedTokensAreRetriedQuickly(t *testing.T) {
	td := tended(plan.Refresh, failed("retryable"))
	td.Plan.IssuedAt, td.Plan.RotateAt, td.Plan.ExpiresAt = t0.Add(-3*time.Second), t0, t0.Add(1600*time.Millisecond)
	if p := pauseAfter(1, td, every, "seed"); p > 200*time.Millisecond {
		t.Errorf("%s, of 1.6 s that are left", p)
	}
}

func TestRetryAfterIsHonouredWithinReason(t *testing.T) {
	o := failed("retryable")
	for asked, want := range map[time.Duration]time.Duration{20 * time.Minute: 20 * time.Minute, 48 * time.Hour: politePause} {
		o.RetryAfter = asked
		if p := pauseAfter(1, tended(plan.Refresh, o), every, "seed"); p != want {
			t.Errorf("asked for %s: %s", asked, p)
		}
	}
}

func TestNextTimes(t *testing.T) {
	check := nextCheck("account.sagi.a", t0, every)
	blocked := &engine.Outcome{Result: engine.Blocked}
	due := tended(plan.None, &engine.Outcome{Result: engine.Done})
	due.Plan.RotateAt = t0
	unreadable := tended(plan.None, failed(failure.Unavailable))
	held := tended(plan.Refresh, nil)
	held.HeldUntil = t0.Add(2 * time.Minute)
	disabled := tended(plan.None, nil)
	disabled.Plan.Reason = plan.Disabled
	for _, tt := range []struct {
		name   string
		tended engine.AccountResult
		rotate time.Duration
		// look is an upper bound; 0 for the check.
		look     time.Duration
		failures int
	}{
		{"in order", tended(plan.None, nil), 20 * time.Minute, 0, 0},
		{"done", tended(plan.None, &engine.Outcome{Result: engine.Done}), 20 * time.Minute, 0, 0},
		{"blocked with a good token", tended(plan.None, blocked), 20 * time.Minute, 0, 0},
		{"blocked", tended(plan.BlockedAction, blocked), 0, 0, 0},
		{"disabled", disabled, 0, 0, 0},
		{"failed", tended(plan.Refresh, failed("retryable")), 0, firstPause, 3},
		{"a target out of reach", unreadable, 20 * time.Minute, firstPause, 3},
		{"due as soon as it is there", due, 0, firstPause, 3},
		{"something left to do", tended(plan.Deliver, &engine.Outcome{Result: engine.Done}), 0, firstPause, 3},
		{"another run has it", held, 0, heldPause, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			next, h := history{failures: 2}.nextTimes(tt.tended, t0, every, "seed")
			if want := t0.Add(tt.rotate); tt.rotate > 0 && !next.rotate.Equal(want) || tt.rotate == 0 && !next.rotate.IsZero() {
				t.Errorf("rotates at %s", next.rotate)
			}
			limit := t0.Add(tt.look << 2)
			if tt.look == 0 && !next.look.Equal(check) || tt.look > 0 && (next.look.After(limit) || !next.look.After(t0)) {
				t.Errorf("is looked at in %s", next.look.Sub(t0))
			}
			if h.failures != tt.failures {
				t.Errorf("%d failures", h.failures)
			}
		})
	}
}

// A run that was killed leaves a lease of two minutes.
func TestAnAccountThatIsHeldIsLookedAtNoLaterThanTheLeaseEnds(t *testing.T) {
	h := history{}
	td := tended(plan.Refresh, nil)
	now := t0
	looks := 0
	for td.HeldUntil = t0.Add(2 * time.Minute); now.Before(td.HeldUntil); looks++ {
		var next dueTimes
		next, h = h.nextTimes(td, now, every, "seed")
		now = next.look
	}
	if !now.Equal(td.HeldUntil) || looks > 12 {
		t.Errorf("after %d looks at %s", looks, now.Sub(t0))
	}
}
