package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
)

// shown writes a decision in a line: what becomes of the account, of each of its
// targets, and why a human is needed.
func shown(d plan.Decision) string {
	s := fmt.Sprintf("%s %s", d.Action, d.Reason)
	for _, t := range d.Targets {
		s += fmt.Sprintf(" | %s %s", t.Action, t.Reason)
	}
	if d.Blocker != nil {
		s += fmt.Sprintf(" ! %s", d.Blocker.Reason)
	}
	return s
}

type situation struct {
	name   string
	change func(*plan.Account)
	want   string
}

func runSituations(t *testing.T, situations []situation) {
	t.Helper()
	for _, tt := range situations {
		t.Run(tt.name, func(t *testing.T) {
			a := good()
			tt.change(&a)
			d := plan.Decide(a)
			if got := shown(d); got != tt.want {
				t.Errorf("got  %s (%s)\nwant %s", got, d.Message, tt.want)
			}
		})
	}
}

// due makes the token due for a refresh.
func due(a *plan.Account) { a.Token.ExpiresAt = now.Add(time.Hour) }

// beside adds a target to the one that is as it should be.
func beside(t plan.Target) func(*plan.Account) {
	return func(a *plan.Account) {
		if t.Location == "" {
			t.Sink, t.Location = "vault.main", "secret/b"
		}
		a.Targets = append(a.Targets, t)
	}
}

func all(changes ...func(*plan.Account)) func(*plan.Account) {
	return func(a *plan.Account) {
		for _, change := range changes {
			change(a)
		}
	}
}

// like returns a target that holds the token, with a change.
func like(change func(*plan.Target)) plan.Target {
	t := held("secret/b")
	change(&t)
	return t
}

func TestOneTargetsFaultLeavesTheOthers(t *testing.T) {
	unreadable := plan.Target{Unreadable: "vault is down"}
	unwritable := like(func(t *plan.Target) { t.Unwritable = "the disk is full" })
	foreign := plan.Target{Exists: true, Owner: "q/x"}
	noLogin := func(a *plan.Account) { a.Token = nil }
	runSituations(t, []situation{
		{"unreadable, nothing due", beside(unreadable), "none unreadable | none current | none unreadable"},
		{"unreadable, a refresh due", all(due, beside(unreadable)), "refresh expiring | deliver expiring | none unreadable"},
		{"unreadable, the other missing", all(beside(unreadable), func(a *plan.Account) { a.Targets[0].Exists = false }), "deliver target_missing | deliver target_missing | none unreadable"},
		{"unwritable, nothing due", beside(unwritable), "none current | none current | none unwritable"},
		{
			"unwritable, a refresh due",
			all(due, beside(unwritable)),
			"refresh expiring | deliver expiring | none unwritable",
		},
		{
			"unwritable, a refresh due that costs something",
			all(due, beside(unwritable), func(a *plan.Account) { a.RefreshSpends = true }),
			"none unwritable | none unwritable | none unwritable",
		},
		{
			"unwritable, a refresh due, a login costs something",
			all(due, beside(unwritable), func(a *plan.Account) { a.LoginSpends = true }),
			"refresh expiring | deliver expiring | none unwritable",
		},
		{
			"unwritable, a login due that costs something",
			all(noLogin, beside(unwritable), func(a *plan.Account) { a.LoginSpends = true }),
			"none unwritable | none unwritable | none unwritable",
		},
		{
			"unwritable, a login due, a refresh costs something",
			all(noLogin, beside(unwritable), func(a *plan.Account) { a.RefreshSpends = true }),
			"issue no_token | deliver no_token | none unwritable",
		},
		{
			"unwritable and removed",
			all(
				due,
				func(a *plan.Account) { a.RefreshSpends = true },
				beside(like(func(t *plan.Target) { t.Unwritable, t.Removed = "full", true })),
			),
			"refresh expiring | deliver expiring | forget removed",
		},
		{
			"all unwritable",
			all(due, func(a *plan.Account) { a.Targets[0].Unwritable = "full" }),
			"none unwritable | none unwritable",
		},
		{
			"unwritable, the other foreign",
			all(due, func(a *plan.Account) { a.Targets[0].Unwritable = "full" }, beside(foreign)),
			"none unwritable | none unwritable | none unwritable",
		},
		{
			"unwritable, the other unreadable",
			all(due, func(a *plan.Account) { a.Targets[0].Unwritable = "full" }, beside(unreadable)),
			"none unwritable | none unwritable | none unreadable",
		},
		{
			"unwritable, nothing asked of the upstream",
			all(
				beside(unwritable),
				func(a *plan.Account) { a.Targets[0].Exists, a.RefreshSpends, a.LoginSpends = false, true, true },
			),
			"deliver target_missing | deliver target_missing | none unwritable",
		},
		{
			"foreign, a refresh due",
			all(due, beside(foreign)),
			"refresh expiring | deliver expiring | blocked target_not_owned ! target_not_owned",
		},
		{
			"foreign and different from what would be written",
			beside(like(func(t *plan.Target) { t.Ours, t.Exists, t.HasToken = false, true, false })),
			"none current | none current | blocked target_not_owned ! target_not_owned",
		},
		{
			"all foreign, no token",
			all(noLogin, func(a *plan.Account) { a.Targets[0] = foreign }, beside(foreign)),
			"blocked target_not_owned | blocked target_not_owned | blocked target_not_owned ! target_not_owned",
		},
		{
			"foreign, the other given up",
			all(
				noLogin,
				func(a *plan.Account) { a.Targets[0] = foreign },
				beside(like(func(t *plan.Target) { t.Removed = true })),
			),
			"blocked target_not_owned | blocked target_not_owned | none removed ! target_not_owned",
		},
		{
			"all given up",
			func(a *plan.Account) { a.Token, a.Targets[0].Removed = nil, true },
			"issue no_token | forget removed",
		},
	})
	a := good()
	due(&a)
	a.Targets[0].Unwritable = "the first reason"
	beside(like(func(t *plan.Target) { t.Unwritable = "the second reason" }))(&a)
	if d := plan.Decide(a); d.Message != "the first reason" || d.Targets[0].Message != "the first reason" || d.Targets[1].Message != "the second reason" {
		t.Errorf("messages %q, %q, %q", d.Message, d.Targets[0].Message, d.Targets[1].Message)
	}
}

func TestWhatIsForeign(t *testing.T) {
	for name, tt := range map[string]struct {
		target  plan.Target
		foreign bool
	}{
		"not there":                         {plan.Target{}, false},
		"there":                             {plan.Target{Exists: true}, true},
		"there and ours":                    {plan.Target{Exists: true, Ours: true}, false},
		"there, to be adopted":              {plan.Target{Exists: true, Adopt: true}, false},
		"unseen":                            {plan.Target{Unseen: true}, true},
		"cannot be guarded":                 {plan.Target{Unguarded: true}, true},
		"not there, with an owner":          {plan.Target{Owner: "q/x"}, true},
		"a rival, to be adopted":            {plan.Target{Adopt: true, Rival: "account.x.y"}, true},
		"a rival, and ours":                 {plan.Target{Ours: true, Rival: "account.x.y"}, true},
		"an owner that is us by the record": {plan.Target{Ours: true, Owner: "q/x"}, false},
	} {
		a := good()
		a.Token, a.Targets = nil, []plan.Target{tt.target}
		if got := plan.Decide(a).Action == plan.BlockedAction; got != tt.foreign {
			t.Errorf("%s: blocked %t, want %t", name, got, tt.foreign)
		}
	}
}

// Each difference alone, and the one that counts where there are several.
func TestWhatATargetLacksOfTheNewestToken(t *testing.T) {
	alone := func(change func(*plan.Account, *plan.Target)) func(*plan.Account) {
		return func(a *plan.Account) { change(a, &a.Targets[0]) }
	}
	same := func(reason plan.Reason) string { return fmt.Sprintf("deliver %s | deliver %s", reason, reason) }
	runSituations(t, []situation{
		{"missing", alone(func(_ *plan.Account, x *plan.Target) { x.Exists = false }), same(plan.TargetMissing)},
		{"cannot be looked at, and was written", alone(func(_ *plan.Account, x *plan.Target) { x.Exists, x.Unseen = false, true }), "none current | none current"},
		{"not yet written", alone(func(_ *plan.Account, x *plan.Target) { x.HasToken = false }), same(plan.Journaled)},
		{
			"never written, there",
			alone(func(_ *plan.Account, x *plan.Target) { x.HasToken, x.Recorded = false, false }),
			same(plan.TargetChanged),
		},
		{
			"never written, not there",
			alone(func(_ *plan.Account, x *plan.Target) { x.HasToken, x.Recorded, x.Exists = false, false, false }),
			same(plan.TargetMissing),
		},
		{"outdated", alone(func(_ *plan.Account, x *plan.Target) { x.Outdated = true }), same(plan.TargetChanged)},
		{"differs in its look", alone(func(_ *plan.Account, x *plan.Target) { x.Differs = "mode 0600, wanted 0640" }), same(plan.TargetChanged)},
		{"drifted", alone(func(_ *plan.Account, x *plan.Target) { x.Drifted = true }), same(plan.TargetDrifted)},
		{"restart due", alone(func(_ *plan.Account, x *plan.Target) { x.RestartDue = true }), same(plan.RestartDue)},
		{
			"another account's before",
			alone(func(_ *plan.Account, x *plan.Target) { x.From = "account.x.y" }),
			same(plan.Moved),
		},
		{
			"drifted and outdated",
			alone(func(_ *plan.Account, x *plan.Target) { x.Drifted, x.Outdated = true, true }),
			same(plan.TargetChanged),
		},
		{
			"drifted and a restart due",
			alone(func(_ *plan.Account, x *plan.Target) { x.Drifted, x.RestartDue = true, true }),
			same(plan.TargetDrifted),
		},
		{
			"missing and outdated",
			alone(func(_ *plan.Account, x *plan.Target) { x.Exists, x.Outdated = false, true }),
			same(plan.TargetMissing),
		},
		{
			"journaled token, not yet written",
			alone(
				func(a *plan.Account, x *plan.Target) {
					a.Token.Journaled, x.HasToken, x.Recorded = true, false,
						false
				},
			),
			same(plan.Journaled),
		},
		{
			"journaled token, written",
			alone(func(a *plan.Account, _ *plan.Target) { a.Token.Journaled = true }),
			same(plan.Journaled),
		},
		{"imported token, not yet written", alone(func(a *plan.Account, x *plan.Target) {
			a.Token.Journaled, a.Token.Imported, x.HasToken = true, true, false
		}), same(plan.Imported)},
		{
			"imported token, written",
			alone(func(a *plan.Account, _ *plan.Target) { a.Token.Journaled, a.Token.Imported = true, true }),
			same(plan.Imported),
		},
		{
			"imported token, taken over long ago",
			alone(func(a *plan.Account, _ *plan.Target) { a.Token.Imported = true }),
			"none current | none current",
		},
		{
			"the record was moved here",
			alone(func(a *plan.Account, _ *plan.Target) { a.MovedFrom = "account.x.y" }),
			"deliver moved | none current",
		},
		{
			"the record was moved here, and a target drifted",
			alone(func(a *plan.Account, x *plan.Target) { a.MovedFrom, x.Drifted = "account.x.y", true }),
			"deliver moved | deliver target_drifted",
		},
		{
			"a refresh due, another account's before",
			alone(func(a *plan.Account, x *plan.Target) { due(a); x.From = "account.x.y" }),
			"refresh expiring | deliver moved",
		},
		{
			"one of two not yet written",
			beside(like(func(x *plan.Target) { x.HasToken = false })),
			"deliver journaled | none current | deliver journaled",
		},
		{
			"two that differ: the account says the worse",
			all(
				func(a *plan.Account) { a.Targets[0].RestartDue = true },
				beside(like(func(x *plan.Target) { x.Drifted = true })),
			),
			"deliver target_drifted | deliver restart_due | deliver target_drifted",
		},
		{
			"a foreign one that differs does not count",
			beside(like(func(x *plan.Target) { x.Ours, x.Drifted = false, true })),
			"none current | none current | blocked target_not_owned ! target_not_owned",
		},
		{
			"one given up that differs does not count",
			beside(like(func(x *plan.Target) { x.Removed, x.Drifted = true, true })),
			"forget removed | none current | forget removed",
		},
	})
}

func TestAccountsThatAreGone(t *testing.T) {
	gone := func(deletes bool, targets ...plan.Target) func(*plan.Account) {
		return func(a *plan.Account) { a.Removed, a.DeleteOnRemove, a.Targets = true, deletes, targets }
	}
	plain := held("secret/b")
	wanted := like(func(x *plan.Target) { x.Wanted, x.TakenBy = true, "account.x.y" })
	awaited := like(func(x *plan.Target) { x.Awaited, x.TakenBy = true, "account.x.y" })
	unreadable := like(func(x *plan.Target) { x.Unreadable = "vault is down" })
	leftAlone := like(func(x *plan.Target) { x.LeftAlone = "someone has changed it" })
	elsewhere := like(func(x *plan.Target) { x.Unreachable = true })
	noSink := like(func(x *plan.Target) { x.Unreachable, x.NoSink = true, true })
	runSituations(t, []situation{
		{"kept", gone(false, plain), "forget removed | forget removed"},
		{"deleted", gone(true, plain), "delete removed | delete removed"},
		{"no targets", gone(true), "forget removed"},
		{"no targets, and its token is revoked", all(gone(true), func(a *plan.Account) { a.Revokes = true }), "delete removed"},
		{"wanted by another account", gone(true, wanted), "forget moved | forget moved"},
		{"kept, and wanted by another account", gone(false, wanted), "forget moved | forget moved"},
		{"one deleted, one wanted", gone(true, plain, wanted), "delete removed | delete removed | forget moved"},
		{"taken over by an account that has yet to do it", gone(true, plain, awaited), "none moved | delete removed | none moved"},
		{"changed by someone else", gone(true, leftAlone), "forget removed | forget target_drifted"},
		{"changed by someone else, and kept", gone(false, leftAlone), "forget removed | forget removed"},
		{"unreadable", gone(true, unreadable), "none unreadable | none unreadable"},
		{"one deleted, one unreadable", gone(true, plain, unreadable), "delete removed | delete removed | none unreadable"},
		{"leads elsewhere now", gone(true, elsewhere), "none unreachable_here | none unreachable_here"},
		{"leads elsewhere now, and kept", gone(false, elsewhere), "forget removed | forget removed"},
		{"no sink leads there", gone(true, noSink), "blocked unreachable_here | blocked unreachable_here ! unreachable_here"},
		{"no sink leads there, and kept", gone(false, noSink), "forget removed | forget removed"},
		{
			"no sink leads there, and wanted",
			gone(
				true,
				like(
					func(x *plan.Target) { x.Unreachable, x.NoSink, x.Wanted, x.TakenBy = true, true, true, "account.x.y" },
				),
			),
			"forget moved | forget moved",
		},
		{
			"one deleted, one that no sink leads to",
			gone(true, plain, noSink),
			"delete removed | delete removed | blocked unreachable_here ! unreachable_here",
		},
		{
			"unreadable, then one that no sink leads to",
			gone(true, unreadable, noSink),
			"blocked unreachable_here | none unreadable | blocked unreachable_here ! unreachable_here",
		},
		{
			"one that no sink leads to, then unreadable",
			gone(true, noSink, unreadable),
			"blocked unreachable_here | blocked unreachable_here | none unreadable ! unreachable_here",
		},
		{
			"an heir goes on with its record",
			all(gone(true, awaited), func(a *plan.Account) { a.Heir = "account.x.z" }),
			"forget moved | none moved",
		},
		{
			"no token, expired certificate, disabled",
			all(gone(false, plain), func(a *plan.Account) { a.Token, a.Enabled = nil, false }),
			"forget removed | forget removed",
		},
	})
	message := func(change func(*plan.Account)) string {
		a := good()
		change(&a)
		return plan.Decide(a).Message
	}
	distinct(
		t,
		message(gone(true, plain)),
		message(gone(true, plain, wanted)),
		message(gone(false, plain)),
		message(gone(false)),
		message(gone(true, wanted)),
	)
	for _, m := range []string{message(gone(true, wanted)), message(gone(true, awaited))} {
		if !strings.Contains(m, "account.x.y") {
			t.Errorf("the message does not name who takes over: %q", m)
		}
	}
	a := good()
	gone(true, noSink)(&a)
	b := good()
	b.DeleteOnRemove = true
	beside(like(func(x *plan.Target) { x.Removed, x.Unreachable, x.NoSink = true, true, true }))(&b)
	if m := plan.Decide(a).Message; !strings.Contains(m, "credsync state rm account.sagi.coffee") {
		t.Errorf("no way out for an account that is gone: %q", m)
	}
	if m := plan.Decide(b).Message; strings.Contains(m, "state rm") || !strings.Contains(m, "secret/b") {
		t.Errorf("a record that is in use would be removed, or the place is not named: %q", m)
	}
}

func TestPlacesThatAreGivenUp(t *testing.T) {
	given := func(change func(*plan.Target)) func(*plan.Account) {
		return beside(like(func(x *plan.Target) {
			x.Removed = true
			if change != nil {
				change(x)
			}
		}))
	}
	deletes := func(a *plan.Account) { a.DeleteOnRemove = true }
	elsewhere := func(x *plan.Target) { x.Unreachable = true }
	noSink := func(x *plan.Target) { x.Unreachable, x.NoSink = true, true }
	first := func(change func(*plan.Target)) func(*plan.Account) {
		return func(a *plan.Account) { change(&a.Targets[0]) }
	}
	stuck := func(a *plan.Account) {
		a.Token.ExpiresAt, a.CanRefresh = now.Add(-time.Hour), false
		blockedLogin(a)
	}
	runSituations(t, []situation{
		{"kept", given(nil), "forget removed | none current | forget removed"},
		{"deleted", all(deletes, given(nil)), "delete removed | none current | delete removed"},
		{"wanted by another account", all(deletes, given(func(x *plan.Target) { x.Wanted = true })), "forget removed | none current | forget moved"},
		{"beside a delivery", all(deletes, given(nil), first(func(x *plan.Target) { x.Drifted = true })), "deliver target_drifted | deliver target_drifted | delete removed"},
		{"beside a refresh", all(deletes, due, given(nil)), "refresh expiring | deliver expiring | delete removed"},
		{"beside a block", all(deletes, stuck, given(nil)), "blocked credentials_rejected | blocked credentials_rejected | none removed ! credentials_rejected"},
		{"beside a place that is someone else's", all(deletes, given(nil), beside(plan.Target{Exists: true})), "none current | none current | none removed | blocked target_not_owned ! target_not_owned"},
		{"beside a place that cannot be read", all(deletes, given(nil), beside(plan.Target{Unreadable: "down"})), "none unreadable | none current | none removed | none unreadable"},
		{"beside a place that cannot be written", all(deletes, given(nil), beside(like(func(x *plan.Target) { x.Unwritable = "full" }))), "none current | none current | none removed | none unwritable"},
		{"beside another given up that is unreadable", all(deletes, given(nil), given(func(x *plan.Target) { x.Unreadable = "down" })), "delete removed | none current | delete removed | none unreadable"},
		{"beside another given up that is someone else's", all(deletes, given(nil), given(func(x *plan.Target) { x.Ours = false })), "delete removed | none current | delete removed | delete removed"},
		{"kept and deleted", all(deletes, given(func(x *plan.Target) { x.Wanted = true }), given(nil)), "delete removed | none current | forget moved | delete removed"},
		{"unreadable", all(deletes, given(func(x *plan.Target) { x.Unreadable = "down" })), "none current | none current | none unreadable"},
		{"leads elsewhere now", all(deletes, given(elsewhere)), "none current | none current | none unreachable_here"},
		{"leads elsewhere now, and kept", given(elsewhere), "none current | none current | none unreachable_here"},
		{"leads elsewhere now, beside a block", all(deletes, stuck, given(elsewhere)), "blocked credentials_rejected | blocked credentials_rejected | none unreachable_here ! credentials_rejected"},
		{"no sink leads there", all(deletes, given(noSink)), "blocked unreachable_here | none current | blocked unreachable_here ! unreachable_here"},
		{"no sink leads there, beside a block", all(deletes, stuck, given(noSink)), "blocked credentials_rejected | blocked credentials_rejected | none removed ! credentials_rejected"},
		{"no sink leads there, and kept", given(noSink), "forget removed | none current | forget removed"},
		{"no sink leads there, beside one that is kept", all(deletes, given(noSink), given(func(x *plan.Target) { x.Wanted = true })), "forget removed | none current | blocked unreachable_here | forget moved ! unreachable_here"},
		{"changed by someone else", all(deletes, given(func(x *plan.Target) { x.LeftAlone = "it was changed" })), "forget removed | none current | forget target_drifted"},
	})
}

// distinct checks that each text says something else: one that says what another case
// means is worse than none.
func distinct(t *testing.T, texts ...string) {
	t.Helper()
	seen := map[string]bool{}
	for i, text := range texts {
		if text == "" || seen[text] {
			t.Errorf("text %d is empty or that of another case: %q", i, text)
		}
		seen[text] = true
	}
}

func TestEachReasonForAForeignTargetIsToldByItself(t *testing.T) {
	var texts []string
	for _, tt := range []struct {
		target plan.Target
		names  string
	}{
		{plan.Target{Exists: true, Owner: "q/x", Rival: "account.x.rival"}, "account.x.rival"},
		{plan.Target{Exists: true, TakenKeys: []string{"key_a", "key_b"}}, "key_a, key_b"},
		{plan.Target{Exists: true, OthersKeys: true}, "merge = true"},
		{plan.Target{Exists: true, Owner: "old/account.x.y", FormerProject: "old"}, `["old"]`},
		{plan.Target{Exists: true, Owner: "q/account.x.y"}, "q/account.x.y"},
		{plan.Target{Unguarded: true}, "adopt = true"},
		{plan.Target{Unseen: true}, "adopt = true"},
		{plan.Target{Exists: true}, "adopt = true"},
		{plan.Target{Exists: true, Unguarded: true, Owner: "z/x"}, "z/x"},
	} {
		tt.target.Sink, tt.target.Location = "vault.main", "secret/a"
		a := good()
		a.Targets = []plan.Target{tt.target}
		d := plan.Decide(a)
		if !strings.Contains(d.Message, tt.names) || !strings.Contains(d.Message, "secret/a") ||
			d.Targets[0].Message != "" && d.Targets[0].Message != d.Message {
			t.Errorf("%q does not name %q, or the target says otherwise: %q", d.Message, tt.names, d.Targets[0].Message)
		}
		texts = append(texts, d.Message)
	}
	distinct(t, texts...)
	a := good()
	a.Targets = []plan.Target{{Sink: "vault.main", Location: "secret/a", Exists: true, Unguarded: true}}
	if plan.Decide(a).Message != texts[7] {
		t.Error("a place that is there is not said to be someone else's because it cannot be guarded")
	}
	// Where several are someone else's, each says so itself.
	a.Targets = []plan.Target{{Sink: "vault.main", Location: "secret/b", Removed: true}, {Sink: "vault.main", Location: "secret/a", Exists: true}}
	if plan.Decide(a).Message != texts[7] {
		t.Error("the only target that is wanted is not the one that is spoken of")
	}
}

func TestWhatADeliveryIsSaidToTakeOver(t *testing.T) {
	for name, tt := range map[string]struct {
		target plan.Target
		want   []string
	}{
		"given up by another account": {plan.Target{Exists: true, Ours: true, From: "account.x.y"}, []string{"account.x.y"}},
		"ours, differs":               {plan.Target{Exists: true, Ours: true, HasToken: true, Differs: "mode 0600"}, []string{"mode 0600"}},
		"ours, missing":               {plan.Target{Ours: true, HasToken: true}, nil},
		"someone's":                   {plan.Target{Exists: true, Adopt: true, Owner: "q/x"}, []string{"q/x"}},
		"nobody's":                    {plan.Target{Exists: true, Adopt: true}, []string{"adopt"}},
		"not there":                   {plan.Target{Adopt: true}, nil},
		"not there, and denied":       {plan.Target{Denied: "may not create"}, []string{"may not create"}},
		"someone's, and denied":       {plan.Target{Exists: true, Adopt: true, Owner: "q/x", Denied: "may not update"}, []string{"q/x", "; may not update"}},
	} {
		for _, contact := range []bool{false, true} {
			a := good()
			if contact {
				due(&a)
			}
			a.Targets = []plan.Target{tt.target}
			d := plan.Decide(a).Targets[0]
			if d.Action != plan.Deliver || (len(tt.want) == 0) != (d.Message == "") || strings.HasPrefix(d.Message, ";") {
				t.Errorf("%s: %s %q", name, d.Action, d.Message)
			}
			for _, s := range tt.want {
				if !strings.Contains(d.Message, s) {
					t.Errorf("%s: %q lacks %q", name, d.Message, s)
				}
			}
		}
	}
	a := good()
	a.Targets[0].Denied = "may not update"
	if m := plan.Decide(a).Targets[0].Message; m != "" {
		t.Errorf("a target that is not written is said to be denied: %q", m)
	}
}

func TestTheNumberOfTargetsThatDifferIsTold(t *testing.T) {
	for name, change := range map[string]func(*plan.Target){
		"missing": func(x *plan.Target) { x.Exists = false }, "drifted": func(x *plan.Target) { x.Drifted = true },
		"changed": func(x *plan.Target) { x.Outdated = true }, "restart": func(x *plan.Target) { x.RestartDue = true },
		"moved": func(x *plan.Target) { x.From = "account.x.y" }, "journaled": func(x *plan.Target) { x.HasToken = false },
	} {
		var texts []string
		for n := 1; n <= 3; n++ {
			a := good()
			a.Targets = nil
			for range n {
				a.Targets = append(a.Targets, like(change))
			}
			m := plan.Decide(a).Message
			if n > 1 && !strings.Contains(m, fmt.Sprint(n)) {
				t.Errorf("%s: %d targets, and %q", name, n, m)
			}
			texts = append(texts, m)
		}
		distinct(t, texts...)
	}
}
