package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// good returns an account with a token of 30 days that is a day old, and one
// target that holds it.
func good() plan.Account {
	return plan.Account{
		Now: now, Address: "account.sagi.coffee", Provider: "sagi", Enabled: true, CanRefresh: true,
		RotateBefore: schema.Window{Duration: 48 * time.Hour},
		Token: &plan.Token{
			IssuedAt: now.Add(-24 * time.Hour), ExpiresAt: now.Add(29 * 24 * time.Hour), VerifiedAt: now,
			RefreshableUntil: now.Add(364 * 24 * time.Hour), Refreshable: true,
		},
		Verification: plan.Verification{Outcome: plan.Confirmed},
		Targets:      []plan.Target{held("secret/a")},
	}
}

func held(location string) plan.Target {
	return plan.Target{Sink: "vault.main", Location: location, Exists: true, Owner: "p/account.sagi.coffee", Ours: true, Recorded: true, HasToken: true}
}

func TestDecideGivesEachSituationItsActionAndReason(t *testing.T) {
	tests := []struct {
		name   string
		change func(*plan.Account)
		action plan.Action
		reason plan.Reason
		target string
		human  bool
	}{
		{name: "nothing to do", action: plan.None, reason: plan.Current, target: "none current"},
		{
			name:   "no token",
			change: func(a *plan.Account) { a.Token, a.Targets[0] = nil, plan.Target{} },
			action: plan.Issue, reason: plan.NoToken, target: "deliver no_token",
		},
		{
			name:   "unreadable comes before everything",
			change: func(a *plan.Account) { a.Unreadable, a.Removed, a.Token = "state down", true, nil },
			action: plan.None, reason: plan.Unreadable, target: "none unreadable",
		},
		{
			name:   "disabled accounts are left alone",
			change: func(a *plan.Account) { a.Enabled, a.Token.Rejected = false, true },
			action: plan.None, reason: plan.Disabled, target: "none disabled",
		},
		{
			name:   "removed, retained",
			change: func(a *plan.Account) { a.Removed = true },
			action: plan.Forget, reason: plan.Removed, target: "forget removed",
		},
		{
			name:   "removed, deleted",
			change: func(a *plan.Account) { a.Removed, a.DeleteOnRemove = true, true },
			action: plan.Delete, reason: plan.Removed, target: "delete removed",
		},
		{
			name: "removed, deleted, and another account delivers there",
			change: func(a *plan.Account) {
				a.Removed, a.DeleteOnRemove = true, true
				a.Targets[0].Wanted = true
			},
			action: plan.Forget, reason: plan.Removed, target: "forget moved",
		},
		{
			name:   "expiring",
			change: func(a *plan.Account) { a.Token.ExpiresAt = now.Add(47 * time.Hour) },
			action: plan.Refresh, reason: plan.Expiring, target: "deliver expiring",
		},
		{
			name: "issued later than now, by a clock that is ahead",
			change: func(a *plan.Account) {
				a.Token.IssuedAt = now.Add(13 * time.Hour)
			},
			action: plan.Refresh, reason: plan.Expiring, target: "deliver expiring",
		},
		{
			name: "issued later than now, and does not expire",
			change: func(a *plan.Account) {
				a.Token.IssuedAt, a.Token.ExpiresAt = now.Add(time.Hour), time.Time{}
			},
			action: plan.None, reason: plan.Current, target: "none current",
		},
		{
			name:   "expired, still refreshable",
			change: func(a *plan.Account) { a.Token.ExpiresAt = now },
			action: plan.Refresh, reason: plan.Expired, target: "deliver expired",
		},
		{
			name: "expired, and refreshing has ended",
			change: func(a *plan.Account) {
				a.Token.ExpiresAt, a.Token.RefreshableUntil = now.Add(-time.Hour), now
			},
			action: plan.Reissue, reason: plan.RefreshUnavailable, target: "deliver refresh_unavailable",
		},
		{
			name: "expiring, and a refresh was refused by a clock that is ahead of ours",
			change: func(a *plan.Account) {
				a.Token.ExpiresAt = now.Add(time.Hour)
				a.Token.RefreshRefused, a.Token.RefreshableUntil = true, now.Add(time.Minute)
			},
			action: plan.Reissue, reason: plan.RefreshUnavailable, target: "deliver refresh_unavailable",
		},
		{
			name:   "expiring, no refresh material",
			change: func(a *plan.Account) { a.Token.ExpiresAt, a.Token.Refreshable = now.Add(time.Hour), false },
			action: plan.Reissue, reason: plan.RefreshUnavailable, target: "deliver refresh_unavailable",
		},
		{
			name:   "expiring at a provider that cannot refresh",
			change: func(a *plan.Account) { a.Token.ExpiresAt, a.CanRefresh = now.Add(time.Hour), false },
			action: plan.Reissue, reason: plan.Expiring, target: "deliver expiring",
		},
		{
			name:   "refused by the upstream",
			change: func(a *plan.Account) { a.Verification.Outcome = plan.Refused },
			action: plan.Refresh, reason: plan.Rejected, target: "deliver rejected",
		},
		{
			name:   "refused earlier",
			change: func(a *plan.Account) { a.Token.Rejected, a.Verification = true, plan.Verification{} },
			action: plan.Refresh, reason: plan.Rejected, target: "deliver rejected",
		},
		{
			name: "a static token that is refused needs a human",
			change: func(a *plan.Account) {
				a.Static, a.CanRefresh, a.Verification.Outcome = true, false, plan.Refused
			},
			action: plan.BlockedAction, reason: "credentials_rejected", target: "blocked credentials_rejected", human: true,
		},
		{
			name:   "a verification without an answer changes nothing",
			change: func(a *plan.Account) { a.Verification.Outcome = plan.Unclear },
			action: plan.None, reason: plan.Current, target: "none current",
		},
		{
			name: "access withdrawn at the upstream",
			change: func(a *plan.Account) {
				a.Verification = plan.Verification{Outcome: plan.NeedsHuman, Reason: "no_access", Message: "branch gone"}
			},
			action: plan.BlockedAction, reason: "no_access", target: "blocked no_access", human: true,
		},
		{
			name:   "configuration changed",
			change: func(a *plan.Account) { a.Token.ConfigChanged = true },
			action: plan.Reissue, reason: plan.ConfigChanged, target: "deliver config_changed",
		},
		{
			name:   "replace asked for",
			change: func(a *plan.Account) { a.Replace = true },
			action: plan.Reissue, reason: plan.Forced, target: "deliver forced",
		},
		{
			name: "a remembered rejection blocks a login",
			change: func(a *plan.Account) {
				a.Token, a.Block = nil, &plan.Block{Reason: "credentials_rejected", Message: "wrong", Since: now.Add(-time.Hour)}
			},
			action: plan.BlockedAction, reason: "credentials_rejected", target: "blocked credentials_rejected", human: true,
		},
		{
			name: "replace lifts a remembered rejection",
			change: func(a *plan.Account) {
				a.Replace, a.Block = true, &plan.Block{Reason: "credentials_rejected", Since: now.Add(-time.Hour)}
			},
			action: plan.Reissue, reason: plan.Forced, target: "deliver forced",
		},
		{
			name: "replace does not lift what is wrong now",
			change: func(a *plan.Account) {
				a.Replace, a.Block = true, &plan.Block{Reason: "certificate_expired"}
			},
			action: plan.BlockedAction, reason: "certificate_expired", target: "none current", human: true,
		},
		{
			name: "changed credentials that are rejected leave what targets hold",
			change: func(a *plan.Account) {
				a.Token.ConfigChanged, a.Block = true, &plan.Block{Reason: "credentials_rejected", Since: now}
			},
			action: plan.BlockedAction, reason: "credentials_rejected", target: "none current", human: true,
		},
		{
			name: "changed credentials that are rejected beside a dead token",
			change: func(a *plan.Account) {
				a.Token.ConfigChanged, a.Token.Rejected, a.Block = true, true, &plan.Block{Reason: "credentials_rejected", Since: now}
			},
			action: plan.BlockedAction, reason: "credentials_rejected", target: "blocked credentials_rejected", human: true,
		},
		{
			name: "a remembered rejection does not block a refresh",
			change: func(a *plan.Account) {
				a.Token.ExpiresAt, a.Block = now.Add(time.Hour), &plan.Block{Reason: "credentials_rejected", Since: now}
			},
			action: plan.Refresh, reason: plan.Expiring, target: "deliver expiring", human: true,
		},
		{
			name: "a blocked account's good token still repairs a target",
			change: func(a *plan.Account) {
				a.Token.ExpiresAt, a.Token.Refreshable = now.Add(time.Hour), false
				a.Block = &plan.Block{Reason: "credentials_rejected", Since: now}
				a.Targets[0].Exists = false
			},
			action: plan.Deliver, reason: plan.TargetMissing, target: "deliver target_missing", human: true,
		},
		{
			name: "a blocked account's dead token repairs nothing",
			change: func(a *plan.Account) {
				a.Token.ExpiresAt, a.Token.Refreshable = now.Add(-time.Hour), false
				a.Block = &plan.Block{Reason: "credentials_rejected", Since: now}
				a.Targets[0].Exists = false
			},
			action: plan.BlockedAction, reason: "credentials_rejected", target: "blocked credentials_rejected", human: true,
		},
		{
			name:   "journaled token",
			change: func(a *plan.Account) { a.Token.Journaled, a.Targets[0].HasToken = true, false },
			action: plan.Deliver, reason: plan.Journaled, target: "deliver journaled",
		},
		{
			name:   "target missing",
			change: func(a *plan.Account) { a.Targets[0].Exists = false },
			action: plan.Deliver, reason: plan.TargetMissing, target: "deliver target_missing",
		},
		{
			name:   "target drifted",
			change: func(a *plan.Account) { a.Targets[0].Drifted = true },
			action: plan.Deliver, reason: plan.TargetDrifted, target: "deliver target_drifted",
		},
		{
			name:   "mapping edited",
			change: func(a *plan.Account) { a.Targets[0].Outdated = true },
			action: plan.Deliver, reason: plan.TargetChanged, target: "deliver target_changed",
		},
		{
			name:   "an earlier run failed to write this target",
			change: func(a *plan.Account) { a.Targets[0].HasToken = false },
			action: plan.Deliver, reason: plan.Journaled, target: "deliver journaled",
		},
		{
			name: "a foreign target",
			change: func(a *plan.Account) {
				a.Targets[0] = plan.Target{Sink: "vault.main", Location: "secret/a", Exists: true}
			},
			action: plan.BlockedAction, reason: plan.TargetNotOwned, target: "blocked target_not_owned", human: true,
		},
		{
			name: "a foreign target that may be adopted",
			change: func(a *plan.Account) {
				a.Targets[0] = plan.Target{Sink: "vault.main", Location: "secret/a", Exists: true, Owner: "q/x", Adopt: true}
			},
			action: plan.Deliver, reason: plan.TargetChanged, target: "deliver target_changed",
		},
		{
			name: "one foreign target does not hold back the other",
			change: func(a *plan.Account) {
				a.Targets[0].Exists = false
				a.Targets = append(a.Targets, plan.Target{Sink: "vault.main", Location: "secret/b", Exists: true, Owner: "q/x"})
			},
			action: plan.Deliver, reason: plan.TargetMissing, target: "deliver target_missing", human: true,
		},
		{
			name: "a target that cannot be looked at may be someone else's",
			change: func(a *plan.Account) {
				a.Targets[0] = plan.Target{Sink: "vault.v1", Location: "kv/a", Unseen: true}
			},
			action: plan.BlockedAction, reason: plan.TargetNotOwned, target: "blocked target_not_owned", human: true,
		},
		{
			name: "a deliver block removed",
			change: func(a *plan.Account) {
				a.Targets = append(
					a.Targets,
					plan.Target{Sink: "vault.main", Location: "secret/z", Removed: true, Ours: true, Recorded: true},
				)
			},
			action: plan.Forget, reason: plan.Removed, target: "none current",
		},
		{
			name:   "no targets at all",
			change: func(a *plan.Account) { a.Targets = nil },
			action: plan.None, reason: plan.Current,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := good()
			if tt.change != nil {
				tt.change(&a)
			}
			d := plan.Decide(a)
			if d.Action != tt.action || d.Reason != tt.reason {
				t.Errorf("got %s %s (%s), want %s %s", d.Action, d.Reason, d.Message, tt.action, tt.reason)
			}
			if (d.Blocker != nil) != tt.human {
				t.Errorf("Blocker = %+v, want one: %t", d.Blocker, tt.human)
			}
			if tt.target != "" {
				if got := string(d.Targets[0].Action) + " " + string(d.Targets[0].Reason); got != tt.target {
					t.Errorf("target: got %s, want %s", got, tt.target)
				}
			}
		})
	}
}

func TestDecideIsAFunctionOfItsInput(t *testing.T) {
	a := good()
	a.Token.ExpiresAt = now.Add(50 * time.Hour)
	if diff := cmp.Diff(plan.Decide(a), plan.Decide(a)); diff != "" {
		t.Error(diff)
	}
}

func TestDecideWarnsOfWhatCannotWork(t *testing.T) {
	tests := []struct {
		name   string
		change func(*plan.Account)
		want   string
	}{
		{"window not below the lifetime", func(a *plan.Account) { a.RotateBefore.Duration = 31 * 24 * time.Hour }, "rotate_before is not shorter"},
		{"runs too rare", func(a *plan.Account) { a.RunsEvery = 72 * time.Hour }, "schedule is too slow"},
		{"an answer to the verification that ends in a full stop", func(a *plan.Account) {
			a.Verification = plan.Verification{Outcome: plan.Unclear, Message: "it has changed or is broken: report it there."}
		}, "report it there. Until the upstream answers"},
		{"no answer to the verification", func(a *plan.Account) {
			a.Verification = plan.Verification{Outcome: plan.Unclear, Message: "HTTP 502"}
		}, "could not be verified"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := good()
			if w := plan.Decide(a).Warnings; len(w) != 0 {
				t.Fatalf("warnings before the change: %v", w)
			}
			tt.change(&a)
			w := plan.Decide(a).Warnings
			if len(w) != 1 || !strings.Contains(w[0].Summary+": "+w[0].Detail, tt.want) {
				t.Errorf("warnings = %v, want one about %q", w, tt.want)
			}
		})
	}
}

func TestPlanSaysWhoseTargetIsTakenOver(t *testing.T) {
	for owner, want := range map[string]string{"billing/account.x.y": "belongs to billing/account.x.y", "": "not created by credsync"} {
		a := good()
		target := plan.Target{Sink: "vault.main", Location: "secret/a", Exists: true, Owner: owner, Adopt: true}
		a.Targets = []plan.Target{target}
		if m := plan.Decide(a).Targets[0].Message; !strings.Contains(m, want) {
			t.Errorf("message %q lacks %q", m, want)
		}
		target.Ours, target.HasToken = true, true
		a.Targets = []plan.Target{target}
		if m := plan.Decide(a).Targets[0].Message; m != "" {
			t.Errorf("message %q about a target that is ours", m)
		}
	}
}

func TestNotOwnedMessageNamesTheOwnerAndTheWayToAdopt(t *testing.T) {
	a := good()
	a.Targets = []plan.Target{{Sink: "vault.main", Location: "secret/a", Exists: true, Owner: "billing/account.x.y"}}
	m := plan.Decide(a).Message
	for _, want := range []string{"billing/account.x.y", "adopt = true", "secret/a"} {
		if !strings.Contains(m, want) {
			t.Errorf("message %q lacks %q", m, want)
		}
	}
}
