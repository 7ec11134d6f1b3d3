package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/state"
)

func TestTokenIsVerifiedThoughAWrongClockSaysThatItWas(t *testing.T) {
	for _, ahead := range []time.Duration{time.Minute, 6 * time.Hour, 365 * 24 * time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			w := newWorld(t, verifiedHourly)
			w.mustApply()
			w.advance(2 * time.Hour)
			w.edit(func(r *state.Record) { r.Current.VerifiedAt = w.Now().Add(ahead) })
			before := w.up.verifies
			if p := w.engine().PlanAccount(t.Context(), addressA, true); !p.VerifiedAt.IsZero() {
				t.Errorf("without asking, it was verified at %s", p.VerifiedAt)
			}
			w.mustApply()
			if w.up.verifies != before+1 {
				t.Errorf("verified %d times", w.up.verifies-before)
			}
			if got := w.stored().Current.VerifiedAt; !got.Equal(w.Now()) {
				t.Errorf("verified at %s", got)
			}
			w.advance(time.Minute)
			w.mustApply()
			if w.up.verifies != before+1 {
				t.Error("it was verified again within verify_every")
			}
		})
	}
}

// No target gets what was not verified.
func TestJournaledTokenIsVerifiedThoughAWrongClockSaysThatItWas(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.edit(func(r *state.Record) {
		r.Pending, r.Current = r.Current, nil
		r.Pending.VerifiedAt = w.Now().Add(time.Hour)
		r.Targets[0].GrantID = ""
	})
	before := w.up.verifies
	if s := w.applyWith(context.Background(), engine.Request{Offline: true}); s.Count(engine.Done) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if w.up.verifies == before {
		t.Error("it was delivered and not verified")
	}
}

// The clock of the machine that got the token was hours ahead, and so is the token's
// expiry: it may be dead long before.
func TestTokenThatSaysItWasIssuedLaterIsReplaced(t *testing.T) {
	for name, tt := range map[string]struct {
		lifetime, ahead time.Duration
		replaced        bool
	}{
		"a day":                                {30 * 24 * time.Hour, 24 * time.Hour, true},
		"six hours, of a token for an hour":    {time.Hour, 6 * time.Hour, true},
		"six hours, with two days to spare":    {30 * 24 * time.Hour, 6 * time.Hour, false},
		"four minutes, of a token for ten":     {10 * time.Minute, 4 * time.Minute, true},
		"four minutes, of a token for an hour": {time.Hour, 4 * time.Minute, false},
		"some seconds, of a token for ten":     {10 * time.Minute, 10 * time.Second, false},
		"a year":                               {30 * 24 * time.Hour, 365 * 24 * time.Hour, true},
		"a year, of a token that does not end": {0, 365 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			if tt.lifetime > 0 {
				w.up.lifetime = tt.lifetime
			}
			w.setClock(tt.ahead)
			w.mustApply()
			if tt.lifetime == 0 {
				w.edit(func(r *state.Record) { r.Current.Token.ExpiresAt = time.Time{} })
			}
			w.setClock(-tt.ahead)
			p := w.plan(engine.Request{}).Accounts[0]
			if !tt.replaced {
				if p.Action.Contacts() {
					t.Errorf("%+v", p.Decision)
				}
				return
			}
			if p.Action != plan.Refresh || p.Reason != plan.Expiring || p.RotateAt.After(w.Now()) ||
				!strings.Contains(p.Message, "clock") {
				t.Fatalf("%+v", p.Decision)
			}
			w.mustApply()
			w.expect("a none current")
			if got := w.delivered("a"); got != "token-2" {
				t.Errorf("delivered %q", got)
			}
		})
	}
}

func TestDaemonReplacesATokenThatSaysItWasIssuedLater(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.setClock(24 * time.Hour)
	w.mustApply()
	w.setClock(-24 * time.Hour)
	if o := w.tend().Outcome; o == nil || o.Result != engine.Done || o.Action != plan.Refresh {
		t.Fatalf("%+v", o)
	}
	if again := w.tend(); again.Outcome != nil {
		t.Errorf("%+v", again.Outcome)
	}
}

// One machine's clock is a day behind. It replaces what looks to it as if it came from
// a clock ahead, once.
func TestTwoMachinesWithDifferentClocksDoNotReplaceEachOthersTokensForEver(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	for range 10 {
		w.setClock(-24 * time.Hour)
		w.holder = "runner-2"
		w.mustApply()
		w.setClock(24 * time.Hour)
		w.holder = "runner-1"
		w.mustApply()
		w.advance(10 * time.Minute)
	}
	if got := w.up.counts(); got != "logins=1 refreshes=1" {
		t.Error(got)
	}
}

// sentTomorrow is what a machine whose clock is a day ahead has written.
const sentTomorrow = 24 * time.Hour

func TestNoticeIsSentThoughAWrongClockSaysThatItIsOnItsWay(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	h.fail = errors.New("the webhook is away")
	w.apply()
	h.fail = nil
	w.edit(func(r *state.Record) { r.Notices[0].At = w.Now().Add(sentTomorrow) })
	w.apply()
	h.want(t, "blocked credentials_rejected")
	w.apply()
	h.want(t)
}

// That a notice has arrived is written once it has: nobody is told twice for a wrong clock.
func TestNoticeThatHasArrivedIsNotSentAgainForAWrongClock(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	h.want(t, "blocked credentials_rejected")
	w.edit(func(r *state.Record) { r.Notices[0].At = w.Now().Add(sentTomorrow) })
	w.apply()
	h.want(t)
}

// By a clock that is a little ahead, another run is sending it now.
func TestNoticeOfARunAtWorkIsLeftToItThoughItsClockIsALittleAhead(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	h.fail = errors.New("the webhook is away")
	w.apply()
	h.fail = nil
	w.edit(func(r *state.Record) { r.Notices[0].At = w.Now().Add(10 * time.Second) })
	w.apply()
	h.want(t)
}

func TestCodeIsSentThoughAWrongClockSaysThatOneWasSent(t *testing.T) {
	for name, spoil := range map[string]func(*state.Challenge){
		"a code that was sent": func(*state.Challenge) {},
		"a code that was lost": func(c *state.Challenge) { c.ID = credential.Secret{} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTwoFactorWorld(t)
			w.apply()
			w.begin()
			w.edit(func(r *state.Record) {
				r.Challenge.SentAt = w.Now().Add(sentTomorrow)
				spoil(r.Challenge)
			})
			if sent := w.begin(); sent.Earlier || !sent.At.Equal(w.Now()) || w.up.codes != 2 {
				t.Errorf("%d codes, %+v", w.up.codes, sent)
			}
		})
	}
}

// A human may be waiting for it.
func TestCodeIsNotSentAgainThoughTheClockOfTheOtherMachineIsALittleAhead(t *testing.T) {
	w := newTwoFactorWorld(t)
	w.apply()
	w.begin()
	w.edit(func(r *state.Record) { r.Challenge.SentAt = w.Now().Add(10 * time.Second) })
	if sent := w.begin(); !sent.Earlier || w.up.codes != 1 {
		t.Errorf("%d codes, %+v", w.up.codes, sent)
	}
}

// The code itself is good, whatever the clock said.
func TestCodeThatAWrongClockSaysWasSentTomorrowCanBeEntered(t *testing.T) {
	w := newTwoFactorWorld(t)
	w.apply()
	w.begin()
	w.edit(func(r *state.Record) { r.Challenge.SentAt = w.Now().Add(sentTomorrow) })
	if o := w.finish(rightCode); o.Result != engine.Done {
		t.Errorf("%+v", o)
	}
}

// ageing is an upstream whose credentials have to be replaced by a human at an age.
func ageing(w *world) {
	w.up.clocksOf = func(s providers.Seen) []providers.Clock {
		if s.FirstAt.IsZero() {
			return nil
		}
		return []providers.Clock{
			{Name: providers.StaticToken, Since: s.FirstAt, At: s.FirstAt.Add(90 * 24 * time.Hour), Human: true},
		}
	}
}

func TestCredentialsGrowOlderThoughAWrongClockSaysThatTheyAreUsedLater(t *testing.T) {
	w := newWorld(t, oneAccount)
	ageing(w)
	w.mustApply()
	year := 365 * 24 * time.Hour
	w.edit(func(r *state.Record) { r.FirstSeenAt = w.Now().Add(year) })
	began := w.Now()
	age := func() time.Time {
		clocks := w.plan(engine.Request{}).Accounts[0].Clocks
		return clocks[slices.IndexFunc(clocks, func(c plan.Clock) bool { return c.Human })].Since
	}
	if got := age(); !got.Equal(began) {
		t.Errorf("plan: since %s", got)
	}
	w.mustApply()
	w.advance(24 * time.Hour)
	if got := age(); !got.Equal(began) {
		t.Errorf("a day after apply: since %s", got)
	}
}

// An alert that waits for the time at which a human is needed must not wait for that.
func TestHumanIsNeededNowThoughAWrongClockSaysThatTheBlockBeginsLater(t *testing.T) {
	w := newWorld(t, wrongPassword)
	w.apply()
	w.edit(func(r *state.Record) {
		r.Block.Since = w.Now().Add(6 * time.Hour)
		r.Rejections[0].At = r.Block.Since
	})
	w.expect("a blocked credentials_rejected")
	if p := w.plan(engine.Request{}).Accounts[0]; p.HumanNeededBy.After(w.Now()) {
		t.Errorf("needed by %s", p.HumanNeededBy)
	}
	w.apply()
	if w.up.logins != 1 {
		t.Errorf("%d logins with a password that was rejected", w.up.logins)
	}
}

// A machine whose clock was a day ahead has done everything, and was killed at the
// next rotation.
func TestRecordOfAWrongClockIsPutInOrderByOneApply(t *testing.T) {
	w, h := newNotifiedWorld(t, verifiedHourly+oncall)
	ageing(w)
	w.setClock(24 * time.Hour)
	w.mustApply()
	w.lease(0)
	w.setClock(-24 * time.Hour)
	w.holder = "runner-2"
	w.took(state.LeaseLife, leaseLifeSeen, func() { w.mustApply() })
	w.expect("a none current")
	r := w.stored()
	now := w.Now()
	for name, at := range map[string]time.Time{
		"first seen": r.FirstSeenAt, "issued": r.Current.Token.IssuedAt, "verified": r.Current.VerifiedAt, "delivered": r.Targets[0].DeliveredAt,
	} {
		if at.IsZero() || at.After(now) {
			t.Errorf("%s at %s", name, at)
		}
	}
	if r.Lease != nil || w.up.counts() != "logins=1 refreshes=1" {
		t.Errorf("%s, lease %+v", w.up.counts(), r.Lease)
	}
	h.want(t)
	w.took(0, 0, func() { w.mustApply() })
}
