package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/state"
)

func TestGrantNamesTheLastThatItHasReplaced(t *testing.T) {
	var chain []*state.Grant
	var last *state.Grant
	for range state.MaxReplaced + 3 {
		g := state.NewGrant(credential.Token{}, "l", "s")
		g.Replace(last)
		chain = append(chain, g)
		last = g
	}
	if len(last.Replaced) != state.MaxReplaced || last.Replaced[state.MaxReplaced-1] != chain[len(chain)-2].ID {
		t.Errorf("the last one has replaced %q", last.Replaced)
	}
	if chain[0].Replaced != nil || chain[0].HasReplaced(last.ID) || !last.HasReplaced(chain[3].ID) ||
		last.HasReplaced(chain[1].ID) {
		t.Error("the chain is mistaken")
	}
	// What a grant has replaced is its own.
	before := slices.Clone(chain[4].Replaced)
	chain[5].Replaced[0] = "changed"
	if !slices.Equal(before, chain[4].Replaced) {
		t.Error("two grants share what they have replaced")
	}
}

func TestTimesThatHaveYetToComeAreNoEvents(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	for name, put := range map[string]func(*state.Record, time.Time){
		"first seen": func(r *state.Record, at time.Time) { r.FirstSeenAt = at },
		"issued":     func(r *state.Record, at time.Time) { r.Pending = &state.Grant{Token: credential.Token{IssuedAt: at}} },
		"verified":   func(r *state.Record, at time.Time) { r.Current = &state.Grant{VerifiedAt: at} },
		"blocked":    func(r *state.Record, at time.Time) { r.Block = &state.Block{Since: at} },
		"rejected":   func(r *state.Record, at time.Time) { r.Reject(state.Rejection{Reason: failure.AccountLocked, At: at}) },
		"code sent": func(r *state.Record, at time.Time) {
			r.Challenge = &state.Challenge{Challenge: credential.Challenge{SentAt: at}}
		},
		"delivered": func(r *state.Record, at time.Time) { r.PutTarget(state.Target{DeliveredAt: at}) },
		"told":      func(r *state.Record, at time.Time) { r.PutNotice(state.Notice{At: at}) },
	} {
		for at, want := range map[int]time.Time{-1: hour(-1), 0: now, 1: {}} {
			r := state.New("p", "account.fake.a", "fake")
			put(r, hour(at))
			if got := r.LatestEvent(now); !got.Equal(want) {
				t.Errorf("%s in %d hours: %s", name, at, got)
			}
		}
	}
	r := &state.Record{FirstSeenAt: hour(1)}
	if got := r.FirstSeen(now); !got.Equal(now) {
		t.Errorf("first seen at %s", got)
	}
	g := &state.Grant{VerifiedAt: hour(1)}
	if !g.Verified(now).IsZero() || !g.Verified(hour(1)).Equal(hour(1)) {
		t.Error("a verification in the future counts, or one that has come does not")
	}
}
