package daemon

import (
	"strconv"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
)

const (
	// firstPause and leastPause bound the pause after a first failure: the
	// shorter the rotation window, the shorter it is.
	firstPause, leastPause = 5 * time.Second, 200 * time.Millisecond
	// loginPause is the first pause after a login with an answer that nobody
	// documented. It may have been a rejection, and those lock accounts.
	loginPause = time.Minute
	// passingPause is the longest pause after what passes by itself;
	// lastingPause after the rest.
	passingPause, lastingPause = time.Minute, 10 * time.Minute
	// politePause bounds what is granted to an upstream that asks to be left
	// alone.
	politePause = time.Hour
	// heldPause is the first pause before looking again at an account that
	// another run holds.
	heldPause = time.Second
	// startSpread and startPace: the accounts are looked at for the first time
	// spread over so long, less where they are few.
	startSpread, startPace = 30 * time.Second, 10 * time.Millisecond
	// changeSpread is over how long accounts are looked at that a change of the
	// files may concern though their own attributes are the same.
	changeSpread = time.Minute
)

// fractionOf is a fraction of a duration.
func fractionOf(d time.Duration, f float64) time.Duration { return time.Duration(float64(d) * f) }

// firstLook is when an account is looked at for the first time.
func firstLook(address string, now time.Time, accounts int) time.Time {
	spread := min(startSpread, time.Duration(accounts-1)*startPace)
	return now.Add(fractionOf(spread, placeInSpread(address)))
}

// placeInSpread is the place of an account among others that would be looked at at
// the same time: from 0 to below 1.
func placeInSpread(address string) float64 { return plan.Fraction(address) }

// nextCheck is when an account is looked at again though nothing is due. Each
// has its own moment within the interval, so that the checks are spread evenly
// whenever the daemon was started, and the next one is never right behind.
func nextCheck(address string, now time.Time, every time.Duration) time.Time {
	earliest := now.Add(every / 4)
	phase := fractionOf(every, plan.Fraction("check "+address))
	at := earliest.Truncate(every).Add(phase)
	if at.Before(earliest) {
		at = at.Add(every)
	}
	return at
}

// history is what the next times depend on besides the last plan.
type history struct {
	// failures in a row; looks in a row at which another run had the account.
	failures, held int
}

// nextTimes returns when an account that was just tended wants attention again, and
// its history from here on.
func (h history) nextTimes(
	t engine.AccountResult, now time.Time, every time.Duration, seed string,
) (dueTimes, history) {
	p := t.Plan
	check := nextCheck(p.Address, now, every)
	if !t.HeldUntil.IsZero() {
		pause := heldPause << min(h.held, 10)
		at := now.Add(fractionOf(pause, 1-plan.Fraction(seed+p.Address)/2))
		if t.HeldUntil.Before(at) && t.HeldUntil.After(now) {
			at = t.HeldUntil
		}
		return dueTimes{look: earlier(at, check)}, history{failures: h.failures, held: h.held + 1}
	}
	failed := t.Outcome != nil && t.Outcome.Result == engine.Failed
	// A token that is due as soon as it is there, and work that leaves itself
	// to be done again, must not go round at full speed either.
	due := p.Action == plan.None && !p.RotateAt.IsZero() && !p.RotateAt.After(now)
	again := p.Action != plan.None && p.Action != plan.BlockedAction
	if !failed && !due && !again {
		if p.Action == plan.BlockedAction || p.Reason == plan.Disabled {
			return dueTimes{look: check}, history{}
		}
		return dueTimes{rotate: p.RotateAt, look: check}, history{}
	}
	h = history{failures: h.failures + 1}
	at := now.Add(pauseAfter(h.failures, t, every, seed))
	next := dueTimes{look: at}
	if p.Action == plan.None && p.RotateAt.After(now) {
		next.rotate = p.RotateAt
	}
	return next, h
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// pauseAfter is how long to wait after that many failures in a row: twice as
// long each time, up to a bound that depends on what is wrong, and less by up
// to a quarter, differently for each account, time and process.
func pauseAfter(failures int, t engine.AccountResult, every time.Duration, seed string) time.Duration {
	first, longest := firstPause, min(lastingPause, every)
	var lifetime time.Duration
	if p := t.Plan; !p.ExpiresAt.IsZero() && !p.IssuedAt.IsZero() {
		lifetime = p.ExpiresAt.Sub(p.IssuedAt)
		first = min(firstPause, max(leastPause, p.ExpiresAt.Sub(p.RotateAt)/8))
	}
	var o engine.Outcome
	if t.Outcome != nil {
		o = *t.Outcome
	}
	switch o.Class {
	case failure.Class(failure.Retryable), failure.Unavailable, failure.Conflict:
		longest = min(longest, passingPause)
	case failure.Class(failure.Config):
		// Nothing changes before the configuration does.
		if o.Logins > 0 {
			longest = lastingPause
		}
		first = longest
	case failure.Class(failure.Server), failure.Other:
		if o.Logins > 0 {
			// However often the account is looked at.
			longest = lastingPause
			first = min(loginPause, max(firstPause, lifetime/4))
			if lifetime == 0 {
				first = loginPause
			}
		}
	}
	pause := longest
	if doublings := failures - 1; doublings < 20 {
		pause = min(longest, first<<doublings)
	}
	pause -= fractionOf(pause/4, plan.Fraction(seed+t.Plan.Address+strconv.Itoa(failures)))
	return max(pause, min(o.RetryAfter, politePause))
}
