package audit

import (
	"errors"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
)

// Fingerprints tell the tokens of one account apart, say nothing of a token, and cannot
// be compared with those of another account.
func TestFingerprintsOfTokens(t *testing.T) {
	first, second := credential.NewSecret("token-1"), credential.NewSecret("token-2")
	a, b := []byte("key of a record"), []byte("key of another")
	one := TokenFingerprint(a, first)
	if len(one) != 32 || strings.Trim(one, "0123456789abcdef") != "" || one != TokenFingerprint(a, first) {
		t.Errorf("%q", one)
	}
	if one == TokenFingerprint(a, second) || one == TokenFingerprint(b, first) {
		t.Error("two are alike")
	}
	if TokenFingerprint(a, credential.Secret{}) != "" {
		t.Error("there is one of no token")
	}
}

// An event is about one place: what it is about besides the upstream takes its place.
func TestEventsOfTargetsAndMovesNameNoUpstream(t *testing.T) {
	ev := Event{Address: "account.x.a", Host: "h.example", Action: Login}
	if got := ev.OfTarget("vault.main", "secret/a"); got != (Event{Address: "account.x.a", Action: Login, Sink: "vault.main", Location: "secret/a"}) {
		t.Errorf("%+v", got)
	}
	if got := ev.OfMove("account.x.b"); got != (Event{Address: "account.x.a", Action: Login, From: "account.x.b"}) {
		t.Errorf("%+v", got)
	}
}

func TestErrorsSayWhetherItWasDone(t *testing.T) {
	full := errors.New("the disk is full")
	after, before := UnrecordedAfter(full), NotTried(full)
	if !errors.Is(after, ErrUnrecorded) || !errors.Is(after, full) || errors.Is(before, ErrUnrecorded) ||
		!errors.Is(before, full) {
		t.Errorf("%v; %v", after, before)
	}
	if before.Error() != "it was not attempted, because it could not be recorded: the disk is full" || after.Error() != "it was done, but the audit trail is not complete: the disk is full" {
		t.Errorf("%v; %v", after, before)
	}
}
