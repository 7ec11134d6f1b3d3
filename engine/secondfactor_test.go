package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

var rightCode = credential.NewSecret("3021")

// newTwoFactorWorld is a world whose upstream wants a code.
func newTwoFactorWorld(t *testing.T) *world {
	w := newWorld(t, oneAccount)
	w.up.secondFactor = true
	return w
}

func (w *world) begin() engine.Sent {
	w.t.Helper()
	return w.engine().BeginLogin(context.Background(), "fake.a")
}

func (w *world) finish(code credential.Secret) engine.Outcome {
	w.t.Helper()
	return w.engine().FinishLogin(context.Background(), "fake.a", code)
}

func TestNoCodeIsEverSentByApply(t *testing.T) {
	w := newTwoFactorWorld(t)
	for range 20 {
		s := w.apply()
		if s.Count(engine.Blocked) != 1 || !strings.Contains(s.Outcomes[0].Message, "credsync login account.fake.a") {
			t.Fatalf("%+v", s.Outcomes)
		}
		w.advance(time.Hour)
	}
	w.expect("a blocked needs_code")
	if w.up.codes != 0 || w.up.logins != 1 {
		t.Errorf("%d codes, %d logins", w.up.codes, w.up.logins)
	}
}

func TestTwoStepLoginFromSeveralProcesses(t *testing.T) {
	w := newTwoFactorWorld(t)
	w.apply()
	sent := w.begin()
	if sent.At.IsZero() || sent.Earlier || sent.Outcome.Result != engine.Blocked {
		t.Fatalf("%+v", sent)
	}
	w.holder = "runner-2"
	o := w.finish(rightCode)
	if o.Result != engine.Done || w.delivered("a") != "token-1" {
		t.Fatalf("%+v", o)
	}
	if w.up.codes != 1 || w.up.logins != 1 {
		t.Errorf("%d codes, %d logins; the password was known to need a code", w.up.codes, w.up.logins)
	}
	w.expect("a none current")

	// From then on refreshes need no human.
	w.advance(29 * 24 * time.Hour)
	w.mustApply()
	if w.delivered("a") != "token-2" || w.up.codes != 1 {
		t.Errorf("delivered %q after %d codes", w.delivered("a"), w.up.codes)
	}
}

func TestImpatientRetrySendsNoSecondCode(t *testing.T) {
	w := newTwoFactorWorld(t)
	first := w.begin()
	w.advance(30 * time.Second)
	second := w.begin()
	if w.up.codes != 1 || !second.Earlier || !second.At.Equal(first.At) {
		t.Fatalf("%d codes, %+v", w.up.codes, second)
	}
	w.advance(5 * time.Minute)
	if third := w.begin(); w.up.codes != 2 || third.Earlier {
		t.Fatalf("%d codes, %+v", w.up.codes, third)
	}
	if o := w.finish(rightCode); o.Result != engine.Done {
		t.Errorf("%+v", o)
	}
}

func TestWrongCodeLeavesTheChallengeUsable(t *testing.T) {
	w := newTwoFactorWorld(t)
	w.begin()
	o := w.finish(credential.NewSecret("0000"))
	if o.Result != engine.Blocked || !strings.Contains(o.Message, "the code is wrong") {
		t.Fatalf("%+v", o)
	}
	w.expect("a blocked needs_code")
	if o := w.finish(rightCode); o.Result != engine.Done || w.up.codes != 1 {
		t.Errorf("%+v after %d codes", o, w.up.codes)
	}
}

func TestCodeWhoseAnswerWasLostIsNotSentAgainAtOnce(t *testing.T) {
	w := newTwoFactorWorld(t)
	w.up.onSend = only(1, &failure.Error{Class: failure.Retryable, Op: "send the code", AnswerLost: true, Message: "timeout"})
	if sent := w.begin(); sent.Outcome.Result != engine.Failed {
		t.Fatalf("%+v", sent)
	}
	if sent := w.begin(); sent.Outcome.Result != engine.Failed || w.up.codes != 1 {
		t.Fatalf("%+v after %d codes", sent, w.up.codes)
	}
	if o := w.finish(rightCode); o.Result != engine.Failed {
		t.Fatalf("%+v", o)
	}
	w.advance(5 * time.Minute)
	w.begin()
	if o := w.finish(rightCode); o.Result != engine.Done {
		t.Errorf("%+v", o)
	}
}

func TestLoginOfAnAccountThatWantsNoCodeJustLogsIn(t *testing.T) {
	w := newWorld(t, oneAccount)
	if sent := w.begin(); !sent.At.IsZero() || sent.Outcome.Result != engine.Done || w.delivered("a") != "token-1" {
		t.Errorf("%+v", sent)
	}
	if o := w.finish(rightCode); o.Result != engine.Failed || !strings.Contains(o.Message, "No login is waiting for a code") {
		t.Errorf("%+v", o)
	}
}

func TestWrongPasswordSendsNoCode(t *testing.T) {
	w := newTwoFactorWorld(t)
	w.hcl = strings.Replace(w.hcl, `"pw"`, `"wrong"`, 1)
	if sent := w.begin(); sent.Outcome.Result != engine.Blocked || w.up.codes != 0 {
		t.Errorf("%+v after %d codes", sent, w.up.codes)
	}
	w.apply()
	if w.up.logins != 1 {
		t.Errorf("%d logins", w.up.logins)
	}
}

func TestLoginNamesTheAccountsThereAre(t *testing.T) {
	w := newWorld(t, oneAccount)
	if o := w.engine().FinishLogin(context.Background(), "fake.zzz", rightCode); o.Result != engine.Failed {
		t.Errorf("%+v", o)
	}
}

func TestLoginTellsOfATargetThatCannotBeLookedAt(t *testing.T) {
	w := newWorld(t, twoSinks)
	w.up.secondFactor = true
	w.sinks["other"].Fail = failing(memorysink.Stat, 1000, sinks.ErrUnavailable)
	if sent := w.begin(); sent.At.IsZero() {
		t.Fatalf("no code was sent: %+v", sent)
	}
	if o := w.finish(rightCode); o.Result != engine.Failed || w.delivered("a") != "token-1" {
		t.Errorf("delivered %q, %+v", w.delivered("a"), o)
	}
}

func TestPlanTellsOfACodeThatWasSent(t *testing.T) {
	w := newTwoFactorWorld(t)
	w.apply()
	before := engine.Document(w.plan(engine.Request{})).Accounts[0].Blocker
	if before.CodeSentAt != nil || !strings.HasSuffix(before.Message, "credsync login account.fake.a") {
		t.Fatalf("%+v", before)
	}
	sent := w.begin().At
	w.advance(time.Hour)
	for _, offline := range []bool{false, true} {
		b := engine.Document(w.plan(engine.Request{Offline: offline})).Accounts[0].Blocker
		if b.CodeSentAt == nil || !b.CodeSentAt.Equal(sent) {
			t.Errorf("sent at %v, want %v", b.CodeSentAt, sent)
		}
		for _, want := range []string{"2026-03-01 12:00 UTC", "credsync login account.fake.a --code-file FILE"} {
			if !strings.Contains(b.Message, want) {
				t.Errorf("%q lacks %q", b.Message, want)
			}
		}
	}
	if s := w.apply(); s.Outcomes[0].Blocker.CodeSentAt.IsZero() {
		t.Errorf("%+v", s.Outcomes[0].Blocker)
	}

	// The code of another password's login is of no use to this one.
	w.hcl = strings.Replace(w.hcl, `"u"`, `"v"`, 1)
	if b := engine.Document(w.plan(engine.Request{})).Accounts[0].Blocker; b != nil {
		t.Errorf("%+v", b)
	}
}

// The state went away between the journal and the end of the run. The token is
// there, so its human has done their part.
func TestCodeThatWasEnteredIsNotAskedForAgain(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.secondFactor = true
	w.apply()
	w.begin()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	w.up.loginDone = func() {
		journal := failing(memorysink.Write, 1, errors.New("not failed"))
		w.sinks["state"].Fail = func(op string, target sinks.Target) error {
			if op != memorysink.Write || journal(op, target) != nil {
				return nil
			}
			return sinks.ErrUnavailable
		}
	}
	w.sleeping = stop
	w.engine().FinishLogin(ctx, "account.fake.a", rightCode)
	w.sinks["state"].Fail, w.sleeping = nil, nil
	w.alive = func(string) bool { return false }
	w.mustApply()
	w.expect("a none current")
	if got := w.delivered("a"); got != "token-1" || w.up.codes != 1 {
		t.Errorf("delivered %q after %d codes", got, w.up.codes)
	}
}
