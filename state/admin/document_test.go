package admin_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/state/admin"
)

func TestDescribedRecordHoldsNoSecret(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rec := state.New("payments", "account.sagi.coffee", "sagi")
	rec.Current = state.NewGrant(credential.Token{
		Access: credential.NewSecret("canary-access"), Refresh: credential.NewSecret("canary-refresh"), IssuedAt: at,
		Outputs: credential.Outputs{"group_id": "canary-output", "extra": credential.NewSecret("canary-secret")},
	}, "login-canary-fingerprint", "shape-canary-fingerprint")
	rec.Pending = state.NewGrant(credential.Token{Access: credential.NewSecret("canary-pending"), IssuedAt: at}, "", "")
	rec.Challenge = &state.Challenge{Challenge: credential.Challenge{ID: credential.NewSecret("canary-session"), SentAt: at}}
	rec.Reject(state.Rejection{LoginPrint: "rejected-canary-fingerprint", At: at})
	rec.PutTarget(state.Target{Place: "vault main secret/a", Sink: "vault.main", Location: "secret/a", Options: []byte(`{"canary":1}`), GrantID: rec.Pending.ID, Digest: "digest-canary"})
	rec.PutTarget(state.Target{Place: "vault main secret/b", Sink: "vault.main", Location: "secret/b", GrantID: "before"})
	rec.PutTarget(state.Target{Place: "vault main secret/c", Sink: "vault.main", Location: "secret/c"})
	r := &admin.Records{Now: func() time.Time { return at }}
	d := r.Describe(rec)
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "canary") || strings.Contains(string(b), rec.Current.ID) {
		t.Errorf("the description says too much: %s", b)
	}
	if !d.Current.Refreshable || d.Pending.Refreshable {
		t.Error("what can be refreshed is mistaken")
	}
	if got := d.Targets[0].Holds + " " + d.Targets[1].Holds + " " + d.Targets[2].Holds; got != "pending older nothing" {
		t.Errorf("the targets hold %s", got)
	}
	if !strings.Contains(string(b), `"outputs":["extra","group_id"]`) {
		t.Errorf("the names of the outputs are not in %s", b)
	}
}

func TestLeaseOfAClockThatIsAheadEndsWithinItsLife(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := &admin.Records{
		Now:   func() time.Time { return now },
		Where: func(string) processid.Whereabouts { return processid.Elsewhere },
	}
	for left, want := range map[time.Duration]time.Duration{time.Minute: time.Minute,
		6 * time.Hour: state.LeaseLife, -time.Minute: -time.Minute} {
		rec := state.New("payments", "account.sagi.coffee", "sagi")
		rec.Lease = &state.Lease{Holder: "build-7", ExpiresAt: now.Add(left)}
		if got := r.Describe(rec).Lease.ExpiresAt.Sub(now); got != want {
			t.Errorf("a lease that ends in %s by another clock ends in %s", left, got)
		}
	}
}
