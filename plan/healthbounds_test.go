package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
)

// dueAt returns an account whose token is due a given time ago, in a window of 48 hours.
func dueAt(t *testing.T, ago time.Duration) plan.Account {
	t.Helper()
	a := good()
	a.Token.IssuedAt, a.Token.ExpiresAt = now, now.Add(30*day)
	due := plan.RotationOf(a.Address, a.Token.IssuedAt, a.Token.ExpiresAt, a.RotateBefore).At
	shift := now.Add(-ago).Sub(due)
	a.Token.IssuedAt, a.Token.ExpiresAt = a.Token.IssuedAt.Add(shift), a.Token.ExpiresAt.Add(shift)
	return a
}

func TestARotationIsOverdueWhenTheNextRunShouldHaveMadeIt(t *testing.T) {
	left := dueAt(t, 0).Token.ExpiresAt.Sub(now) // a little more than the window
	for _, tt := range []struct {
		name  string
		every time.Duration
		ago   time.Duration
		want  plan.Health
	}{
		{"a run of each hour, and five minutes for it to work", time.Hour, 65 * time.Minute, plan.OK},
		{"and a moment later", time.Hour, 65*time.Minute + time.Nanosecond, plan.Warn},
		{"no schedule, half of the time is left", 0, left / 2, plan.OK},
		{"no schedule, less than half is left", 0, left/2 + time.Second, plan.Warn},
	} {
		a := dueAt(t, tt.ago)
		a.RunsEvery = tt.every
		if d := plan.Decide(a); d.Health != tt.want {
			t.Errorf("%s: %s %q, want %s", tt.name, d.Health, d.HealthMessage, tt.want)
		}
	}
}

func TestHealthAtItsBounds(t *testing.T) {
	certificate := func(left time.Duration) func(*plan.Account) {
		return func(a *plan.Account) {
			a.Clocks = []plan.Clock{{Name: "client_certificate", At: now.Add(left), Human: true}}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*plan.Account)
		want   plan.Health
		says   string
	}{
		{"a person is needed in exactly the notice", certificate(plan.HumanNotice), plan.Warn, "30d"},
		{"a person is needed a moment after the notice", certificate(plan.HumanNotice + 1), plan.OK, ""},
		{"a person was needed now", certificate(0), plan.Critical, "0s ago"},
		{"a person was needed yesterday", certificate(-day), plan.Critical, "1d ago"},
		{"a clock without a known end", func(a *plan.Account) { a.Clocks = []plan.Clock{{Name: "x", Human: true}} }, plan.OK, ""},
		{"a clock that is nobody's to wind", func(a *plan.Account) { a.Clocks = []plan.Clock{{Name: "x", At: now}} }, plan.OK, ""},
		{"it expires now", func(a *plan.Account) { a.Token.ExpiresAt = now }, plan.Critical, "expired 0s ago"},
		{"it expires in a moment", func(a *plan.Account) { a.Token.ExpiresAt, a.RunsEvery = now.Add(1), 100*day }, plan.OK, ""},
		{"expired, and the login is blocked", func(a *plan.Account) { a.Token.ExpiresAt = now.Add(-day); blockedLogin(a) }, plan.Critical, "(credentials_rejected)"},
		{"the upstream refuses it now", func(a *plan.Account) { a.Verification.Outcome = plan.Refused }, plan.Critical, "no longer accepts"},
		{"the upstream refuses it, and the login is blocked", func(a *plan.Account) { a.Verification.Outcome = plan.Refused; blockedLogin(a) }, plan.Critical, "(credentials_rejected)"},
		{"no token, though a person is needed in time", func(a *plan.Account) { a.Token = nil; certificate(day)(a) }, plan.Warn, "1d"},
		{"gone, and a place that nothing leads to", func(a *plan.Account) {
			a.Removed, a.DeleteOnRemove = true, true
			a.Targets[0].Unreachable, a.Targets[0].NoSink = true, true
		}, plan.Critical, "unreachable_here"},
		{"gone, and a place that nothing leads to beside one that is deleted", func(a *plan.Account) {
			a.Removed, a.DeleteOnRemove = true, true
			beside(like(func(x *plan.Target) { x.Unreachable, x.NoSink = true, true }))(a)
		}, plan.OK, ""},
		{"gone and disabled, with a dead token", func(a *plan.Account) { a.Removed, a.Enabled, a.Token.Rejected = true, false, true }, plan.OK, ""},
		{"disabled, with a dead token", func(a *plan.Account) { a.Enabled, a.Token.Rejected = false, true }, plan.OK, ""},
		{"blocked, and the token is good for days and due", func(a *plan.Account) {
			*a = dueAt(t, time.Minute)
			blockedLogin(a)
			a.Token.Refreshable = false
		}, plan.Critical, "blocked (credentials_rejected)"},
		{"blocked, and the token is good for weeks", func(a *plan.Account) {
			blockedLogin(a)
			a.Token.ConfigChanged = true
		}, plan.Warn, "29d"},
		{"waiting for targets that cannot be written", func(a *plan.Account) { due(a); a.RunsEvery, a.Targets[0].Unwritable = 100*day, "full" }, plan.OK, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := good()
			tt.change(&a)
			d := plan.Decide(a)
			if d.Health != tt.want || !strings.Contains(d.HealthMessage, tt.says) ||
				(tt.says == "") != (d.HealthMessage == "") {
				t.Errorf("%s %q (%s), want %s %q", d.Health, d.HealthMessage, shown(d), tt.want, tt.says)
			}
		})
	}
}

// When somebody must have acted, by what is blocked and what the token still allows.
func TestWhenAPersonIsNeeded(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*plan.Account)
		want   time.Duration // from now
	}{
		{"the login is blocked, refreshing has an end", func(*plan.Account) {}, 364 * day},
		{"of another configuration: it is not refreshed", func(a *plan.Account) { a.Token.ConfigChanged = true }, 29 * day},
		{"no refresh material", func(a *plan.Account) { a.Token.Refreshable = false }, 29 * day},
		{"refreshing ends now", func(a *plan.Account) { a.Token.RefreshableUntil = now }, 0},
		{"refreshing ended", func(a *plan.Account) { a.Token.RefreshableUntil = now.Add(-day) }, -day},
		{"expired", func(a *plan.Account) { a.Token.ExpiresAt = now.Add(-2 * day) }, -2 * day},
		{"rejected", func(a *plan.Account) { a.Token.Rejected = true }, -time.Hour},
		{"refused", func(a *plan.Account) { a.Verification.Outcome = plan.Refused }, -time.Hour},
		{"no end", func(a *plan.Account) { a.Token.ExpiresAt = time.Time{} }, -time.Hour},
		{"no token", func(a *plan.Account) { a.Token = nil }, -time.Hour},
		{"no token, seen now", func(a *plan.Account) { a.Token, a.Block.Since = nil, time.Time{} }, 0},
		{"no token, seen by a clock that is ahead", func(a *plan.Account) { a.Token, a.Block.Since = nil, now.Add(day) }, 0},
		{"another thing is wrong with the token", func(a *plan.Account) {
			a.Verification = plan.Verification{Outcome: plan.NeedsHuman, Reason: plan.NoAccess}
		}, 0},
		{"access is missing", func(a *plan.Account) {
			a.Block.Reason = plan.NoAccess
			a.Verification = plan.Verification{Outcome: plan.NeedsHuman, Reason: plan.NoAccess}
		}, -time.Hour},
	} {
		a := good()
		blockedLogin(&a)
		tt.change(&a)
		if d := plan.Decide(a); !d.HumanNeededBy.Equal(now.Add(tt.want)) {
			t.Errorf("%s: needed by %s from now, want %s (%s)", tt.name, d.HumanNeededBy.Sub(now), tt.want, shown(d))
		}
	}
}

func TestHealthsAreOrdered(t *testing.T) {
	for i, h := range plan.Healths {
		for j, other := range plan.Healths {
			if h.WorseThan(other) != (i > j) {
				t.Errorf("%s is worse than %s: %t", h, other, h.WorseThan(other))
			}
		}
		if !plan.Health("something new").WorseThan(h) {
			t.Errorf("a health that nobody knows is not worse than %s", h)
		}
	}
}

func TestEachWindowIsGivenTheSlowestScheduleThatServesIt(t *testing.T) {
	for window, want := range map[time.Duration]string{
		10 * day: "0 3 * * 1", 7 * day: "0 3 * * 1", 7*day - 1: "0 3 * * *", day: "0 3 * * *", day - 1: "0 */12 * * *",
		12 * time.Hour: "0 */12 * * *", 6 * time.Hour: "0 */6 * * *", 4 * time.Hour: "0 */4 * * *", 2 * time.Hour: "0 */2 * * *",
		time.Hour: "0 * * * *", 30 * time.Minute: "*/30 * * * *", 20 * time.Minute: "*/20 * * * *", 15 * time.Minute: "*/15 * * * *",
		10 * time.Minute: "*/10 * * * *", 5 * time.Minute: "*/5 * * * *", 2 * time.Minute: "*/2 * * * *", time.Minute: "* * * * *",
		time.Minute - 1: "",
	} {
		life := plan.Life{Lifetime: 60 * day, RotateBefore: schema.Window{Duration: window}, RunsEvery: 50 * day}
		list := life.Warnings()
		if len(list) != 1 {
			t.Fatalf("%s: warnings %v", window, list)
		}
		if got := strings.Contains(list[0].Detail, `"`+want+`"`); got != (want != "") {
			t.Errorf("%s: want %q in: %s", window, want, list[0].Detail)
		}
	}
}

func TestAScheduleWarnsWhereItIsSlowerThanTheWindowAndNoSooner(t *testing.T) {
	for _, tt := range []struct {
		life  plan.Life
		warns int
		rises bool // a longer rotate_before is among the remedies
	}{
		{plan.Life{Lifetime: 30 * day, RotateBefore: schema.Window{Duration: 2 * day}, RunsEvery: 2 * day}, 0, false},
		{plan.Life{Lifetime: 30 * day, RotateBefore: schema.Window{Duration: 2 * day}, RunsEvery: 2*day + 1}, 1, true},
		{plan.Life{Lifetime: 30 * day, RotateBefore: schema.Window{Duration: 2 * day}, RunsEvery: 28 * day}, 1, false},
		{plan.Life{Lifetime: 30 * day, RotateBefore: schema.Window{Duration: 2 * day}, RunsEvery: 28*day - 1}, 1, true},
		{plan.Life{Lifetime: 30 * day, RotateBefore: schema.Window{Duration: 30 * day}, RunsEvery: 10 * day}, 1, false},
		{plan.Life{Lifetime: 30 * day, RotateBefore: schema.Window{Duration: 30 * day}, RunsEvery: 10*day + 1},
			2, false},
		{plan.Life{Lifetime: -day, RotateBefore: schema.Window{Duration: 2 * day}, RunsEvery: 3 * day}, 0, false},
		{plan.Life{RotateBefore: schema.Window{Duration: 2 * day}, RunsEvery: 3 * day}, 0, false},
	} {
		list := tt.life.Warnings()
		if len(list) != tt.warns {
			t.Errorf("%+v: %d warnings %v, want %d", tt.life, len(list), list, tt.warns)
			continue
		}
		if tt.warns > 0 && strings.Contains(list[tt.warns-1].Detail, "rotate_before to more than") != tt.rises {
			t.Errorf("%+v: %s", tt.life, list[tt.warns-1].Detail)
		}
	}
}

func TestWarningsOfAccountsThatNobodyLooksAt(t *testing.T) {
	for name, change := range map[string]func(*plan.Account){
		"disabled":   func(a *plan.Account) { a.Enabled = false },
		"removed":    func(a *plan.Account) { a.Removed = true },
		"unreadable": func(a *plan.Account) { a.Unreadable = "down" },
	} {
		a := good()
		a.RunsEvery = 20 * day
		if len(plan.Decide(a).Warnings) != 1 {
			t.Fatal("the schedule is not warned of")
		}
		change(&a)
		if w := plan.Decide(a).Warnings; len(w) != 0 {
			t.Errorf("%s: %v", name, w)
		}
	}
	a := good()
	a.RunsEvery, a.Lifetime, a.Token.ExpiresAt = 20*day, day, time.Time{}
	if w := plan.Decide(a).Warnings; len(w) != 0 {
		t.Errorf("a token that does not expire: %v", w)
	}
}

func TestDurationsAtTheirBounds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1: "0s", time.Millisecond: "1ms", time.Second - time.Millisecond: "999ms", time.Second: "1s", time.Minute - 1: "59s", time.Minute: "1m",
		time.Hour - 1: "59m59s", time.Hour + 59*time.Second: "1h", day - 1: "23h59m", day: "1d", day + 59*time.Minute: "1d", day + time.Hour: "1d1h",
	} {
		if got := plan.Duration(d); got != want {
			t.Errorf("Duration(%d ns) = %q, want %q", d, got, want)
		}
	}
}

// The words that records, documents and alerts are written in.
func TestTheWordsOfPlansStay(t *testing.T) {
	var words []string
	for _, a := range plan.Actions {
		words = append(words, string(a))
	}
	for _, h := range plan.Healths {
		words = append(words, string(h))
	}
	for _, r := range []plan.Reason{
		plan.NoToken, plan.Expiring, plan.Expired, plan.Rejected, plan.ConfigChanged, plan.Forced,
		plan.RefreshUnavailable, plan.TargetMissing,
		plan.TargetDrifted, plan.TargetChanged, plan.Journaled, plan.RestartDue, plan.Removed, plan.TargetNotOwned,
		plan.Moved, plan.Imported,
		plan.UnreachableHere, plan.Current, plan.Disabled, plan.Unreadable, plan.Unwritable, plan.NeedsCode,
		plan.CredentialsRejected,
		plan.CertificateExpired, plan.AccountLocked, plan.PasswordChangeRequired, plan.SecondFactorUnsupported,
		plan.NoAccess,
		plan.UnclassifiedRefusal, plan.ExpiredAtIssue, plan.ClockWrong, plan.NeedsApproval, plan.RefreshUnknown,
	} {
		words = append(words, string(r))
	}
	words = append(words, string(plan.AccessToken), string(plan.RefreshMaterial), plan.FormatVersion)
	const want = "issue refresh reissue deliver forget delete blocked none ok warning unknown critical " +
		"no_token expiring expired rejected config_changed forced refresh_unavailable target_missing target_drifted target_changed journaled " +
		"restart_due removed target_not_owned moved imported unreachable_here current disabled unreadable unwritable needs_code " +
		"credentials_rejected certificate_expired account_locked password_change_required second_factor_unsupported no_access " +
		"unclassified_refusal expired_at_issue clock_wrong needs_approval refresh_unknown access_token refresh_material 1.0"
	if got := strings.Join(words, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The jitter is part of when each account is due: another one would have them all
// rotate at another time after an upgrade.
func TestTheFractionOfATextStays(t *testing.T) {
	for text, want := range map[string]string{"": "55m29s", "account.sagi.coffee": "27m29s"} {
		if got := plan.Fraction(text); time.Duration(got*float64(time.Hour)).Round(time.Second).String() != want {
			t.Errorf("Fraction(%q) of an hour is %s, want %s", text, time.Duration(got*float64(time.Hour)).Round(time.Second), want)
		}
	}
}
