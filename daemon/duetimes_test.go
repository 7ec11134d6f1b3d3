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
	if last > 30*time.Second || last < 27*time.Second {
		t.Errorf("the last of 5000 accounts waits %s", last)
	}
	last = 0
	for i := range 101 {
		last = max(last, firstLook(fmt.Sprint("account.sagi.", i), t0, 101).Sub(t0))
	}
	if last > time.Second || last < 900*time.Millisecond {
		t.Errorf("the last of 101 accounts waits %s", last)
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
		{"what passes by itself", engine.Outcome{Class: "retryable"}, 5 * time.Second, time.Minute},
		{"a state out of reach", engine.Outcome{Class: failure.Unavailable}, 5 * time.Second, time.Minute},
		{"a missing permission", engine.Outcome{Class: failure.Denied}, 5 * time.Second, every},
		{"an undocumented answer to a login", engine.Outcome{Class: "server", Logins: 1}, 15 * time.Minute, every},
		{"an undocumented answer to a refresh", engine.Outcome{Class: "server", Refreshes: 1}, 5 * time.Second, every},
		{"a wrong request", engine.Outcome{Class: "config"}, every, every},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.first = min(tt.first, time.Minute, tt.longest)
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

// pauses are the shortest and the longest pause that any process makes.
func pauses(failures int, td engine.AccountResult, every time.Duration) (least, most time.Duration) {
	least = 1 << 62
	for seed := range 2000 {
		p := pauseAfter(failures, td, every, fmt.Sprint(seed))
		least, most = min(least, p), max(most, p)
	}
	return least, most
}

// The pauses of docs/daemon.md, each shortened by up to a quarter.
func TestPausesAfterAFailure(t *testing.T) {
	forGood := time.Duration(0) // a token that never expires
	for _, c := range []struct {
		name string
		// lifetime of the token, and how much of it is left when it is due.
		lifetime, left time.Duration
		outcome        *engine.Outcome
		failures       int
		every, want    time.Duration
	}{
		{"nothing failed, and yet it is due again", time.Hour, 20 * time.Minute, nil, 1, every, 5 * time.Second},
		{"the first time", time.Hour, 20 * time.Minute, failed(failure.Denied), 1, every, 5 * time.Second},
		{"the second", time.Hour, 20 * time.Minute, failed(failure.Denied), 2, every, 10 * time.Second},
		{"the seventh", time.Hour, 20 * time.Minute, failed(failure.Denied), 7, every, 320 * time.Second},
		{"the hundredth", time.Hour, 20 * time.Minute, failed(failure.Denied), 100, time.Hour, 10 * time.Minute},
		{"with frequent checks", time.Hour, 20 * time.Minute, failed(failure.Denied), 100, time.Minute, time.Minute},
		{"an upstream out of reach", time.Hour, 20 * time.Minute, failed("retryable"), 100, every, time.Minute},
		{"a state out of reach", time.Hour, 20 * time.Minute, failed(failure.Unavailable), 100, every, time.Minute},
		{"another writer", time.Hour, 20 * time.Minute, failed(failure.Conflict), 100, every, time.Minute},
		{"half a minute left", time.Minute, 32 * time.Second, failed("retryable"), 1, every, 4 * time.Second},
		{"a second left", time.Minute, 4 * time.Second, failed("retryable"), 1, every, 500 * time.Millisecond},
		{"hardly anything left", time.Minute, 800 * time.Millisecond, failed("retryable"), 1, every, 200 * time.Millisecond},
		{"nothing left", time.Minute, -time.Minute, failed("retryable"), 1, every, 200 * time.Millisecond},
		{"no end", forGood, 0, failed("retryable"), 1, every, 5 * time.Second},
		{"a wrong request", time.Hour, 20 * time.Minute, failed("config"), 1, 3 * time.Minute, 3 * time.Minute},
		{"a wrong login", time.Hour, 20 * time.Minute, &engine.Outcome{Class: "config", Logins: 1}, 1, 3 * time.Minute, 10 * time.Minute},
		{"an undocumented answer to a login", time.Hour, 20 * time.Minute, &engine.Outcome{Class: "server", Logins: 1}, 1, every, time.Minute},
		{"an odd end of a login", time.Hour, 20 * time.Minute, &engine.Outcome{Class: failure.Other, Logins: 1}, 1, every, time.Minute},
		{"the same of a token of a minute", 2 * time.Minute, time.Minute, &engine.Outcome{Class: "server", Logins: 1}, 1, every, 30 * time.Second},
		{"of a token of seconds", 8 * time.Second, 4 * time.Second, &engine.Outcome{Class: "server", Logins: 1}, 1, every, 5 * time.Second},
		{"of a token without an end", forGood, 0, &engine.Outcome{Class: "server", Logins: 1}, 1, every, time.Minute},
		{"and for the hundredth time", time.Hour, 20 * time.Minute, &engine.Outcome{Class: "server", Logins: 1}, 100, time.Second, 10 * time.Minute},
		{"an undocumented answer to a refresh", time.Hour, 20 * time.Minute, failed("server"), 1, every, 5 * time.Second},
	} {
		td := tended(plan.Refresh, c.outcome)
		td.Plan.RotateAt, td.Plan.ExpiresAt = t0, t0.Add(c.left)
		td.Plan.IssuedAt = td.Plan.ExpiresAt.Add(-c.lifetime)
		if c.lifetime == forGood {
			td.Plan.ExpiresAt, td.Plan.RotateAt = time.Time{}, time.Time{}
		}
		least, most := pauses(c.failures, td, c.every)
		if most > c.want || most < c.want*99/100 || least < c.want*3/4 || least > c.want*76/100 {
			t.Errorf("%s: from %s to %s, want up to a quarter less than %s", c.name, least, most, c.want)
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
	for asked, want := range map[time.Duration]time.Duration{20 * time.Minute: 20 * time.Minute,
		48 * time.Hour: time.Hour} {
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
	endless := tended(plan.None, nil)
	endless.Plan.RotateAt = time.Time{}
	over := tended(plan.None, &engine.Outcome{Result: engine.Done})
	over.Plan.RotateAt = t0.Add(-1)
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
		{"a token without an end", endless, 0, 0, 0},
		{"due before it was there", over, 0, 5 * time.Second, 3},
		{"failed", tended(plan.Refresh, failed("retryable")), 0, 5 * time.Second, 3},
		{"a target out of reach", unreadable, 20 * time.Minute, 5 * time.Second, 3},
		{"due as soon as it is there", due, 0, 5 * time.Second, 3},
		{"something left to do", tended(plan.Deliver, &engine.Outcome{Result: engine.Done}), 0, 5 * time.Second, 3},
		{"another run has it", held, 0, time.Second, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			next, h := history{failures: 2}.nextTimes(tt.tended, t0, every, "seed")
			if want := t0.Add(tt.rotate); tt.rotate > 0 && !next.rotate.Equal(want) ||
				tt.rotate == 0 && !next.rotate.IsZero() {
				t.Errorf("rotates at %s", next.rotate)
			}
			limit := t0.Add(tt.look << 2)
			if tt.look == 0 && !next.look.Equal(check) ||
				tt.look > 0 && (next.look.After(limit) || !next.look.After(t0)) {
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

// A lease that has ended by its time, though it is still there, is not waited for.
func TestALeaseThatHasEndedIsLookedAtAgainSoon(t *testing.T) {
	for ended, want := range map[time.Duration][2]time.Duration{
		0: {500 * time.Millisecond, time.Second}, -time.Minute: {500 * time.Millisecond, time.Second},
		time.Millisecond: {time.Millisecond, time.Millisecond},
	} {
		td := tended(plan.Refresh, nil)
		td.HeldUntil = t0.Add(ended)
		next, _ := history{}.nextTimes(td, t0, every, "seed")
		if pause := next.look.Sub(t0); pause < want[0] || pause > want[1] {
			t.Errorf("ended %s from now: looked at in %s", ended, pause)
		}
	}
	// However long it is held, the account is looked at whenever it would be in any case.
	td := tended(plan.Refresh, nil)
	td.HeldUntil = t0.Add(24 * time.Hour)
	next, h := history{held: 1000}.nextTimes(td, t0, every, "seed")
	if check := nextCheck(td.Plan.Address, t0, every); !next.look.Equal(check) || h.held != 1001 {
		t.Errorf("looked at in %s, its check is in %s", next.look.Sub(t0), check.Sub(t0))
	}
}
