package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
)

// What stands in the way of a login is told beside a good token too, but not of an
// account that nobody looks at.
func TestARememberedBlockIsToldWhereItMatters(t *testing.T) {
	looked := map[string]func(*plan.Account){
		"looked at":  func(*plan.Account) {},
		"disabled":   func(a *plan.Account) { a.Enabled = false },
		"removed":    func(a *plan.Account) { a.Removed = true },
		"unreadable": func(a *plan.Account) { a.Unreadable = "the state is down" },
	}
	outcomes := map[string]plan.Outcome{"not asked": plan.NotAsked, "confirmed": plan.Confirmed, "unclear": plan.Unclear}
	for looks, look := range looked {
		for asked, outcome := range outcomes {
			for _, reason := range []plan.Reason{plan.CredentialsRejected, plan.AccountLocked, plan.NeedsCode,
				plan.NoAccess} {
				a := good()
				a.Block = &plan.Block{Reason: reason, Message: "why", Since: now.Add(-time.Hour)}
				a.Verification.Outcome = outcome
				look(&a)
				d := plan.Decide(a)
				// Access that a verification has confirmed is there again.
				want := looks == "looked at" && (reason != plan.NoAccess || outcome != plan.Confirmed)
				if (d.Blocker != nil) != want || want && d.Blocker.Message != "why" {
					t.Errorf("%s, %s, %s: blocker %+v, want one: %t", looks, asked, reason, d.Blocker, want)
				}
				if looks != "looked at" && !d.HumanNeededBy.IsZero() {
					t.Errorf("%s, %s: a human is needed by %s", looks, reason, d.HumanNeededBy)
				}
			}
		}
	}
}

// A login that is on its way answers by itself whether the block still stands: only with
// --replace does one go past a block.
func TestALoginPastABlockDropsIt(t *testing.T) {
	for name, change := range map[string]func(*plan.Account){
		"reissue": func(*plan.Account) {},
		"issue":   func(a *plan.Account) { a.Token = nil },
	} {
		a := good()
		blockedLogin(&a)
		a.Replace = true
		change(&a)
		if d := plan.Decide(a); !d.Action.Contacts() || d.Blocker != nil {
			t.Errorf("%s: %s", name, shown(d))
		}
	}
}

func TestWhatComesFirst(t *testing.T) {
	noAccess := func(a *plan.Account) {
		a.Block = &plan.Block{Reason: plan.NoAccess, Message: "why", Since: now.Add(-time.Hour)}
	}
	refused := func(a *plan.Account) { a.Verification.Outcome = plan.Refused }
	static := func(a *plan.Account) { a.Static, a.CanRefresh = true, false }
	runSituations(t, []situation{
		{"an import block that lacks something, before a login", func(a *plan.Account) {
			a.Token, a.Import = nil, &plan.Block{Reason: plan.NeedsCode}
		}, "blocked needs_code | blocked needs_code ! needs_code"},
		{"an import block that lacks something, beside a good token", func(a *plan.Account) { a.Import = &plan.Block{Reason: plan.NeedsCode} }, "blocked needs_code | blocked needs_code ! needs_code"},
		{"replace comes before a changed configuration", func(a *plan.Account) { a.Replace, a.Token.ConfigChanged = true, true }, "reissue forced | deliver forced"},
		{"a changed configuration before what the upstream says", func(a *plan.Account) { a.Token.ConfigChanged = true; refused(a) }, "reissue config_changed | deliver config_changed"},
		{"no token before replace", func(a *plan.Account) { a.Token, a.Replace = nil, true }, "issue no_token | deliver no_token"},
		{"refused and expired", func(a *plan.Account) { refused(a); a.Token.ExpiresAt = now.Add(-time.Hour) }, "refresh rejected | deliver rejected"},
		{"expired and a target missing", func(a *plan.Account) { a.Token.ExpiresAt = now; a.Targets[0].Exists = false }, "refresh expired | deliver expired"},
		{"what was issued was rejected before it was ever good", func(a *plan.Account) { refused(a); noAccess(a); a.Token.VerifiedAt = time.Time{} }, "blocked no_access | blocked no_access ! no_access"},
		{"what was issued was rejected, as was seen before", func(a *plan.Account) { a.Token.Rejected = true; noAccess(a) }, "blocked no_access | blocked no_access ! no_access"},
		{"a token that was good is refused, and access was missing before", func(a *plan.Account) { refused(a); noAccess(a) }, "refresh rejected | deliver rejected ! no_access"},
		{"rejected, and the login is blocked", func(a *plan.Account) { a.Token.Rejected = true; blockedLogin(a) }, "refresh rejected | deliver rejected ! credentials_rejected"},
		{"rejected, and neither login nor refresh is left", func(a *plan.Account) { a.Token.Rejected, a.Token.Refreshable = true, false; blockedLogin(a) }, "blocked credentials_rejected | blocked credentials_rejected ! credentials_rejected"},
		{"a static token is refused", func(a *plan.Account) { static(a); refused(a) }, "blocked credentials_rejected | blocked credentials_rejected ! credentials_rejected"},
		{"a static token is refused, as another reason says", func(a *plan.Account) {
			static(a)
			refused(a)
			a.Block = &plan.Block{Reason: plan.AccountLocked}
		}, "blocked account_locked | blocked account_locked ! account_locked"},
		{"nothing refused, and access was missing before", noAccess, "none current | none current"},
		{"refreshing ends now", func(a *plan.Account) { due(a); a.Token.RefreshableUntil = now }, "reissue refresh_unavailable | deliver refresh_unavailable"},
		{"refreshing ends in a second", func(a *plan.Account) { due(a); a.Token.RefreshableUntil = now.Add(time.Second) }, "refresh expiring | deliver expiring"},
		{"refreshing has no known end", func(a *plan.Account) { due(a); a.Token.RefreshableUntil = time.Time{} }, "refresh expiring | deliver expiring"},
		{"replace lifts what was seen, not what is so now", func(a *plan.Account) {
			a.Replace, a.Block = true, &plan.Block{Reason: plan.CertificateExpired}
		}, "blocked certificate_expired | none current ! certificate_expired"},
		{"without replace a block that was seen stands", func(a *plan.Account) { a.Token = nil; blockedLogin(a) }, "blocked credentials_rejected | blocked credentials_rejected ! credentials_rejected"},
	})
}

// The targets of a blocked account are repaired with a token that is good, and with no
// other.
func TestABlockedAccountsGoodTokenIsDelivered(t *testing.T) {
	blocked := func(change func(*plan.Account)) func(*plan.Account) {
		return func(a *plan.Account) {
			due(a)
			a.Token.Refreshable = false
			blockedLogin(a)
			a.Targets[0].Drifted = true
			change(a)
		}
	}
	const not = "blocked credentials_rejected | blocked credentials_rejected ! credentials_rejected"
	runSituations(t, []situation{
		{"good", blocked(func(*plan.Account) {}), "deliver target_drifted | deliver target_drifted ! credentials_rejected"},
		{"expired", blocked(func(a *plan.Account) { a.Token.ExpiresAt = now }), not},
		{"rejected", blocked(func(a *plan.Account) { a.Token.Rejected = true }), not},
		{"refused now", blocked(func(a *plan.Account) { a.Verification.Outcome = plan.Refused }), not},
		{"of another configuration", blocked(func(a *plan.Account) { a.Token.ConfigChanged = true }), not},
		{"not yet verified", blocked(func(a *plan.Account) { a.Token.Journaled = true }), not},
		{"nothing differs", blocked(func(a *plan.Account) { a.Targets[0].Drifted = false }), "blocked credentials_rejected | none current ! credentials_rejected"},
		{"nothing differs, not yet verified", blocked(func(a *plan.Account) { a.Targets[0].Drifted, a.Token.Journaled = false, true }), not},
		{"a place is given up", blocked(func(a *plan.Account) {
			a.Targets[0].Drifted = false
			beside(like(func(x *plan.Target) { x.Removed = true }))(a)
		}), "blocked credentials_rejected | none current | none removed ! credentials_rejected"},
		{"access is missing", func(a *plan.Account) {
			a.Verification = plan.Verification{Outcome: plan.NeedsHuman, Reason: plan.NoAccess}
			a.Targets[0].Drifted = true
		}, "deliver target_drifted | deliver target_drifted ! no_access"},
		{"access is missing, nothing differs", func(a *plan.Account) {
			a.Verification = plan.Verification{Outcome: plan.NeedsHuman, Reason: plan.NoAccess}
		}, "blocked no_access | blocked no_access ! no_access"},
	})
}

func TestABlockOfTheSameReasonKeepsItsTime(t *testing.T) {
	for reason, want := range map[plan.Reason]time.Time{plan.NoAccess: now.Add(-time.Hour), plan.AccountLocked: {}} {
		a := good()
		a.Block = &plan.Block{Reason: reason, Since: now.Add(-time.Hour)}
		a.Verification = plan.Verification{Outcome: plan.NeedsHuman, Reason: plan.NoAccess, Message: "branch gone"}
		d := plan.Decide(a)
		if d.Blocker == nil || d.Blocker.Reason != plan.NoAccess || d.Blocker.Message != "branch gone" ||
			!d.Blocker.Since.Equal(want) {
			t.Errorf("after %s: %+v, want it since %s", reason, d.Blocker, want)
		}
	}
}

func TestTheLastFailureIsToldWhileSomethingIsLeftToDo(t *testing.T) {
	a := good()
	a.LastFailure = &plan.Failure{At: now.Add(-time.Hour), Message: "the disk was full"}
	if f := plan.Decide(a).LastFailure; f != nil {
		t.Errorf("nothing is left to do, and %+v", f)
	}
	a.Targets[0].Exists = false
	if f := plan.Decide(a).LastFailure; f == nil || f.Message != "the disk was full" {
		t.Errorf("got %+v", f)
	}
}

func TestWhenATokenIsDue(t *testing.T) {
	window := schema.Window{Duration: 48 * time.Hour}
	a := good()
	if at := plan.Decide(a).RotateAt; !at.Equal(
		plan.RotationOf(a.Address, a.Token.IssuedAt, a.Token.ExpiresAt, window).At,
	) {
		t.Errorf("a token of 30 days is due %s", at)
	}
	due := plan.Decide(a).RotateAt
	a.Now = due.Add(-time.Nanosecond)
	a.Token.VerifiedAt = a.Now
	if d := plan.Decide(a); d.Action != plan.None {
		t.Errorf("just before it is due: %s", shown(d))
	}
	a.Now = due
	if d := plan.Decide(a); d.Action != plan.Refresh || d.Reason != plan.Expiring {
		t.Errorf("when it is due: %s", shown(d))
	}
	a = good()
	a.Token.IssuedAt = now.Add(13 * time.Hour)
	if d := plan.Decide(a); !d.RotateAt.Equal(now) {
		t.Errorf("a token of a clock that is ahead is due %s", d.RotateAt)
	}
	a.Token = nil
	if d := plan.Decide(a); !d.RotateAt.IsZero() {
		t.Errorf("no token is due %s", d.RotateAt)
	}
}

// A token is issued ahead where its clock is off by more than a quarter of the window.
func TestAClockIsAheadByMoreThanAQuarterOfTheWindow(t *testing.T) {
	window := schema.Window{Duration: 48 * time.Hour}
	for _, tt := range []struct {
		ahead time.Duration
		life  time.Duration
		want  bool
	}{
		{12 * time.Hour, 30 * day, false},
		{12*time.Hour + time.Nanosecond, 30 * day, true},
		{-time.Hour, 30 * day, false},
		{100 * time.Hour, 0, false},
		{100 * time.Hour, -time.Hour, false},
		{100 * time.Hour, time.Nanosecond, true},
	} {
		issued := now.Add(tt.ahead)
		if got := plan.IssuedAhead(issued, issued.Add(tt.life), now, window); got != tt.want {
			t.Errorf("issued in %s, living %s: %t", tt.ahead, tt.life, got)
		}
	}
}

func TestTheMessageOfAGoodTokenSaysUntilWhen(t *testing.T) {
	a := good()
	with := plan.Decide(a).Message
	a.Token.ExpiresAt = time.Time{}
	without := plan.Decide(a).Message
	distinct(t, with, without)
	if d := plan.Decide(a); !d.RotateAt.IsZero() || len(d.Clocks) != 0 {
		t.Errorf("a token without an end is due %s, clocks %v", d.RotateAt, d.Clocks)
	}
}

func TestClocksOfTheToken(t *testing.T) {
	type clock struct {
		name      plan.ClockName
		since, at time.Time
		human     bool
	}
	for name, tt := range map[string]struct {
		change func(*plan.Account)
		want   []clock
	}{
		"refreshable": {func(*plan.Account) {}, []clock{
			{plan.AccessToken, now.Add(-day), now.Add(29 * day), false},
			{plan.RefreshMaterial, time.Time{}, now.Add(364 * day), false},
		}},
		"a login is blocked": {blockedLogin, []clock{
			{plan.AccessToken, now.Add(-day), now.Add(29 * day), false},
			{plan.RefreshMaterial, time.Time{}, now.Add(364 * day), true},
		}},
		"access was missing": {func(a *plan.Account) { a.Block = &plan.Block{Reason: plan.NoAccess} }, []clock{
			{plan.AccessToken, now.Add(-day), now.Add(29 * day), false},
			{plan.RefreshMaterial, time.Time{}, now.Add(364 * day), false},
		}},
		"refreshable without a known end": {func(a *plan.Account) { a.Token.RefreshableUntil = time.Time{} },
			[]clock{{plan.AccessToken, now.Add(-day), now.Add(29 * day), false}}},
		"not refreshable": {func(a *plan.Account) { a.Token.Refreshable = false },
			[]clock{{plan.AccessToken, now.Add(-day), now.Add(29 * day), false}}},
		"no end":   {func(a *plan.Account) { a.Token.ExpiresAt = time.Time{} }, nil},
		"no token": {func(a *plan.Account) { a.Token = nil }, nil},
	} {
		a := good()
		tt.change(&a)
		var got []clock
		for _, c := range plan.Decide(a).Clocks {
			got = append(got, clock{c.Name, c.Since, c.At, c.Human})
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s:\ngot  %v\nwant %v", name, got, tt.want)
		}
	}
}
