package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
)

const day = 24 * time.Hour

// blockedLogin puts a block in the way of the next login.
func blockedLogin(a *plan.Account) {
	a.Block = &plan.Block{Reason: "credentials_rejected", Message: "HTTP 401", Since: now.Add(-time.Hour)}
}

// old makes the token four weeks old, so that the window is as configured.
func old(a *plan.Account) { a.Token.IssuedAt = now.Add(-28 * day) }

func TestHealthTellsWhatIsBrokenFromWhatWillBe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*plan.Account)
		want   plan.Health
		says   string
		// human is when a human is needed, from now; nil for not at all.
		human *time.Duration
	}{
		{name: "good", change: func(*plan.Account) {}, want: plan.OK},
		{name: "due and not overdue", change: func(a *plan.Account) { a.Token.ExpiresAt = now.Add(46 * time.Hour) }, want: plan.OK},
		{
			name:   "overdue by half of the window",
			change: func(a *plan.Account) { old(a); a.Token.ExpiresAt = now.Add(20 * time.Hour) },
			want:   plan.Warn, says: "overdue",
		},
		{
			name: "due, and the schedule's next run is to come",
			change: func(a *plan.Account) {
				old(a)
				a.Token.ExpiresAt, a.RunsEvery = now.Add(20*time.Hour),
					36*time.Hour
			},
			want: plan.OK,
		},
		{
			name:   "overdue by the schedule",
			change: func(a *plan.Account) { old(a); a.Token.ExpiresAt, a.RunsEvery = now.Add(40*time.Hour), time.Hour },
			want:   plan.Warn, says: "overdue",
		},
		{name: "expired", change: func(a *plan.Account) { a.Token.ExpiresAt = now.Add(-time.Minute) }, want: plan.Critical,
			says: "expired 1m ago"},
		{name: "rejected by the upstream", change: func(a *plan.Account) { a.Token.Rejected = true }, want: plan.Critical, says: "no longer accepts"},
		{name: "no token", change: func(a *plan.Account) { a.Token = nil }, want: plan.Warn, says: "no token yet"},
		{
			name:   "no token and blocked",
			change: func(a *plan.Account) { a.Token = nil; blockedLogin(a) },
			want:   plan.Critical, says: "credentials_rejected", human: in(-time.Hour),
		},
		{
			name:   "a blocked login leaves the time that refreshing is known to work",
			change: blockedLogin,
			want:   plan.Warn, says: "in 364d", human: in(364 * day),
		},
		{
			name:   "a blocked login leaves the token's life where the refresh may end any day",
			change: func(a *plan.Account) { blockedLogin(a); a.Token.RefreshableUntil = time.Time{} },
			want:   plan.Warn, says: "in 29d", human: in(29 * day),
		},
		{
			name: "changed credentials are rejected while the token is good",
			change: func(a *plan.Account) {
				blockedLogin(a)
				a.Token.ConfigChanged = true
				a.Token.Refreshable, a.Token.RefreshableUntil = true, now.Add(300*24*time.Hour)
				a.Token.ExpiresAt = now.Add(29 * 24 * time.Hour)
			},
			want: plan.Warn, says: "needs a human (credentials_rejected) in 29d", human: in(29 * 24 * time.Hour),
		},
		{
			name: "blocked when the rotation is due",
			change: func(a *plan.Account) {
				blockedLogin(a)
				a.CanRefresh, a.Token.Refreshable = false, false
				a.Token.ExpiresAt = now.Add(time.Hour)
			},
			want: plan.Critical, says: "blocked", human: in(time.Hour),
		},
		{
			name: "blocked and expired: since it expired",
			change: func(a *plan.Account) {
				blockedLogin(a)
				a.CanRefresh = false
				a.Token.ExpiresAt = now.Add(-time.Minute)
			},
			want: plan.Critical, says: "a human is needed", human: in(-time.Minute),
		},
		{
			name: "access that a good token lacks is needed now",
			change: func(a *plan.Account) {
				a.Verification = plan.Verification{Outcome: plan.NeedsHuman, Reason: "no_access"}
			},
			want: plan.Critical, says: "no_access", human: in(0),
		},
		{
			name: "a target that is someone else's, beside a good one",
			change: func(a *plan.Account) {
				a.Targets = append(a.Targets, plan.Target{Sink: "vault.main", Location: "secret/b", Exists: true, Owner: "x"})
			},
			want: plan.Critical, says: "target_not_owned", human: in(0),
		},
		{
			name: "a certificate that ends within the notice",
			change: func(a *plan.Account) {
				a.Clocks = []plan.Clock{{Name: "client_certificate", At: now.Add(29 * day), Human: true}}
			},
			want: plan.Warn, says: "needs a human in 29d", human: in(29 * day),
		},
		{
			name: "a certificate that ends later",
			change: func(a *plan.Account) {
				a.Clocks = []plan.Clock{{Name: "client_certificate", At: now.Add(31 * day), Human: true}}
			},
			want: plan.OK, human: in(31 * day),
		},
		{
			name: "the earliest of several",
			change: func(a *plan.Account) {
				blockedLogin(a)
				a.Clocks = []plan.Clock{{Name: "client_certificate", At: now.Add(5 * day), Human: true}}
			},
			want: plan.Warn, says: "in 5d", human: in(5 * day),
		},
		{name: "a target to mend", change: func(a *plan.Account) { a.Targets[0].Drifted = true }, want: plan.Warn, says: "changed by someone else"},
		{name: "unreadable", change: func(a *plan.Account) { a.Unreadable = "the state is down" }, want: plan.Unknown, says: "the state is down"},
		{name: "a target that cannot be read", change: func(a *plan.Account) {
			a.Targets = append(a.Targets, plan.Target{Sink: "vault.b", Unreadable: "vault is down"})
		}, want: plan.Unknown, says: "vault is down"},
		{name: "disabled", change: func(a *plan.Account) { a.Enabled = false; blockedLogin(a) }, want: plan.OK},
		{name: "removed", change: func(a *plan.Account) { a.Removed = true; blockedLogin(a) }, want: plan.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := good()
			tt.change(&a)
			d := plan.Decide(a)
			if d.Health != tt.want || !strings.Contains(d.HealthMessage, tt.says) ||
				(d.Health == plan.OK) != (d.HealthMessage == "") {
				t.Errorf("%s: %q; want %s: %q", d.Health, d.HealthMessage, tt.want, tt.says)
			}
			var want time.Time
			if tt.human != nil {
				want = now.Add(*tt.human)
			}
			if !d.HumanNeededBy.Equal(want) {
				t.Errorf("a human is needed by %v, want %v", d.HumanNeededBy, want)
			}
		})
	}
}

func in(d time.Duration) *time.Duration { return &d }

func TestClocksOfATokenComeFirst(t *testing.T) {
	a := good()
	a.Clocks = []plan.Clock{{Name: "client_certificate", At: now.Add(day), Human: true}}
	var names []string
	for _, c := range plan.Decide(a).Clocks {
		names = append(names, string(c.Name))
	}
	if got := strings.Join(names, " "); got != "access_token refresh_material client_certificate" {
		t.Errorf("clocks %s", got)
	}
	a.Token.Refreshable = false
	if n := len(plan.Decide(a).Clocks); n != 2 {
		t.Errorf("%d clocks of a token that cannot be refreshed, want 2", n)
	}
}

func TestTheWorstHealthCounts(t *testing.T) {
	for _, tt := range []struct {
		healths []plan.Health
		want    plan.Health
	}{
		{nil, plan.OK},
		{[]plan.Health{plan.OK, plan.Warn}, plan.Warn},
		{[]plan.Health{plan.Unknown, plan.Warn}, plan.Unknown},
		{[]plan.Health{plan.Critical, plan.Unknown, plan.OK}, plan.Critical},
	} {
		var d plan.Document
		for _, h := range tt.healths {
			d.Accounts = append(d.Accounts, plan.DocumentAccount{Health: h})
		}
		if got := d.Worst(); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.healths, got, tt.want)
		}
	}
}
