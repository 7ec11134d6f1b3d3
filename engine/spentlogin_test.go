package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// oneShot makes the upstream one at which a login works once, as with a refresh token that
// was got elsewhere.
func (w *world) oneShot() {
	w.up.spec = func(s *providers.Spec) {
		s.LoginShape = []byte("POST /token")
		s.LoginSpends = func(schema.Values) bool { return true }
	}
}

func (w *world) neverLogsInAgain() {
	w.t.Helper()
	was := w.up.logins
	for range 3 {
		w.advance(40 * 24 * time.Hour)
		w.apply()
	}
	s := w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	if s.Count(engine.Blocked) != 1 || s.Outcomes[0].Reason != "needs_approval" {
		w.t.Errorf("%+v", s.Outcomes)
	}
	w.expect("a blocked needs_approval")
	if w.up.logins != was {
		w.t.Errorf("%d logins more", w.up.logins-was)
	}
}

func TestALoginThatWorksOnceIsSentOnce(t *testing.T) {
	lost := &failure.Error{Class: failure.Retryable, Op: failure.LogIn, AnswerLost: true, Message: "timeout"}
	page := &failure.Error{Class: failure.Server, Op: failure.LogIn, Status: 502, Message: "a page"}
	for name, answer := range map[string]error{"worked": nil, "lost": lost, "nonsense": page, "stopped": errors.New("odd")} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.oneShot()
			w.up.onLogin = func() error { return answer }
			w.apply()
			w.up.onLogin = nil
			w.up.onRefresh = func() error { return refuse(failure.Credentials, "refresh the token") }
			w.neverLogsInAgain()
			w.wantLogins(1)
			// Another one is tried.
			w.hcl = strings.Replace(w.hcl, `user     = "u"`, `user = "v"`, 1)
			w.mustApply()
			w.wantLogins(2)
			// And going back to the first one sends it no second time.
			w.hcl = oneAccount
			w.apply()
			w.wantLogins(2)
		})
	}
}

func TestARefreshableTokenOfALoginThatWorksOnceIsNoBlock(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.oneShot()
	w.mustApply()
	w.expectAllCurrent()
	w.advance(29 * 24 * time.Hour)
	w.mustApply()
	if got := w.up.counts(); got != "logins=1 refreshes=1" {
		t.Errorf("%s", got)
	}
	// --replace changes nothing: a person would have to log in.
	s := w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	if s.Count(engine.Blocked) != 1 || w.delivered("a") != "token-2" {
		t.Errorf("%+v, delivered %q", s.Outcomes, w.delivered("a"))
	}
	w.expectAllCurrent()
}

// Nothing was sent, or the upstream has turned it away unread.
func TestALoginThatWorksOnceIsNotSpentByAnOutage(t *testing.T) {
	for name, answer := range map[string]*failure.Error{
		"no connection": {Class: failure.Retryable, Op: failure.LogIn, Message: "connection refused"},
		"turned away":   {Class: failure.Retryable, Op: failure.LogIn, Status: 429, Message: "too many"},
		"precondition":  {Class: failure.Config, Op: failure.LogIn, Message: "the proxy is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.oneShot()
			w.up.onLogin = only(1, answer)
			w.apply()
			w.mustApply()
			w.expectAllCurrent()
		})
	}
}

// The record says so before the request is sent.
func TestARunThatIsKilledHasSpentALoginThatWorksOnce(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.oneShot()
	w.up.loginBegins = func() {
		if n := len(w.record("a").SpentLogins); n != 1 {
			t.Errorf("%d spent logins are in the record when the request is sent", n)
		}
		w.sinks["state"].Fail = failing(memorysink.Write, 1000, sinks.ErrUnavailable)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.sleeping = cancel
	w.up.onLogin = func() error { return errors.New("killed") }
	w.applyWith(ctx, engine.Request{})
	w.sinks["state"].Fail = nil
	w.up.loginBegins, w.sleeping, w.up.onLogin = nil, nil, nil
	w.neverLogsInAgain()
	w.wantLogins(1)
}

// A refresh that ends in a login has no lease write before the login.
func TestALoginAfterARefusedRefreshIsRecordedBeforeItIsSent(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.oneShot()
	w.up.spec = func(s *providers.Spec) { s.LoginSpends = func(schema.Values) bool { return true } }
	w.up.onRefresh = func() error { return refuse(failure.Credentials, "refresh the token") }
	w.up.loginBegins = func() {
		if n := len(w.record("a").SpentLogins); n != 1 {
			t.Errorf("%d spent logins are in the record when the request is sent", n)
		}
	}
	w.advance(29 * 24 * time.Hour)
	w.mustApply()
	w.wantLogins(2)
	w.neverLogsInAgain()
}

func TestAccountsWithOneLoginThatWorksOnceSendItOnce(t *testing.T) {
	w := newWorld(t, manyAlike)
	w.oneShot()
	for range 3 {
		w.apply()
	}
	w.wantLogins(1)
}

func TestRenamedAccountDoesNotSendALoginThatWorksOnceAgain(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.oneShot()
	w.mustApply()
	for i := range 5 {
		w.hcl = strings.Replace(oneAccount, `"fake" "a"`, fmt.Sprintf(`"fake" "a%d"`, i), 1)
		w.apply()
		w.apply()
	}
	w.wantLogins(1)
}

// What only a person can do is said so, and credsync login does it.
func TestAnAccountThatAPersonHasToApproveNamesTheCommand(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = func() error {
		return &failure.Error{Class: failure.Human, Reason: failure.NeedsApproval, Op: failure.LogIn, Message: "a person has to agree"}
	}
	s := w.apply()
	if s.Count(engine.Blocked) != 1 || s.Outcomes[0].Reason != "needs_approval" ||
		!strings.Contains(s.Outcomes[0].Message, "credsync login account.fake.a") {
		t.Errorf("%+v", s.Outcomes)
	}
}
