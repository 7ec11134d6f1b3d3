package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
)

func wrongClient() error {
	e := refuse(failure.Credentials, "refresh the token")
	e.About = failure.AboutLogin
	return e
}

// The login would send the same wrong client secret again, and so would the next refresh.
func TestRefreshThatIsRefusedForTheSakeOfTheLoginIsRememberedAtOnce(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.describe("POST /token")
	w.mustApply()
	w.up.onRefresh = wrongClient
	w.advance(29 * 24 * time.Hour)
	s := w.apply()
	if s.Count(engine.Blocked) != 1 || s.Outcomes[0].Reason != "credentials_rejected" {
		t.Fatalf("%+v", s.Outcomes)
	}
	for range 3 {
		w.advance(time.Hour)
		w.apply()
	}
	w.expect("a blocked credentials_rejected")
	// The token has ended too.
	w.advance(30 * 24 * time.Hour)
	w.apply()
	if got := w.up.counts(); got != "logins=1 refreshes=1" {
		t.Errorf("%s", got)
	}
	if w.delivered("a") != "token-1" {
		t.Errorf("delivered %q", w.delivered("a"))
	}
	// Another secret is another matter, and so is --replace.
	w.up.onRefresh = nil
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.expectAllCurrent()
	if got := w.up.counts(); got != "logins=2 refreshes=1" {
		t.Errorf("%s", got)
	}
}

func TestAccountsOfOneClientSendAWrongSecretAtARefreshOnce(t *testing.T) {
	w := newWorld(t, manyAlike)
	w.describe("POST /token")
	w.frozen = true
	w.mustApply()
	w.up.onRefresh = wrongClient
	w.advance(29 * 24 * time.Hour)
	for range 3 {
		if s := w.apply(); s.Count(engine.Blocked) != 20 {
			t.Fatalf("%d of 20 are blocked", s.Count(engine.Blocked))
		}
	}
	if w.up.refreshes != 1 || w.up.logins != 20 {
		t.Errorf("%s", w.up.counts())
	}
}

// A rejected password says nothing of a refresh that does not send it.
func TestRejectedLoginDoesNotStandInTheWayOfARefresh(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.describe("POST /token")
	w.mustApply()
	w.up.onLogin = func() error { return refuse(failure.Credentials, failure.LogIn) }
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.up.onLogin = nil
	w.advance(29 * 24 * time.Hour)
	w.apply()
	if got := w.up.counts(); !strings.HasSuffix(got, "refreshes=1") || w.delivered("a") != "token-2" {
		t.Errorf("%s, delivered %q", got, w.delivered("a"))
	}
}
