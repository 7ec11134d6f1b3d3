package render

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state/admin"
)

func truth(b bool) *bool { return &b }

// eventful is a record with something of everything, of an account whose names
// would do mischief on a terminal.
func eventful() admin.RecordDocument {
	return admin.RecordDocument{
		Address: "account.sagi.shop[\"al\x1b[31mmaty\"]", Provider: "sagi", Project: "payments", Declared: truth(false), FirstSeenAt: at(-40 * 24 * time.Hour),
		Current: &admin.GrantDocument{
			ID: "IGRBHTNY", IssuedAt: at(-24 * time.Hour), ExpiresAt: at(29 * 24 * time.Hour), Refreshable: true,
			RefreshableUntil: at(364 * 24 * time.Hour),
			VerifiedAt:       at(-time.Hour), Rejected: true, LoginFingerprint: "37738074", ShapeFingerprint: "b756b01a",
			Outputs: []string{"branch_id", "branch_name", "branches", "group_id", "muted", "organization_id", "role", "subscription_active"},
		},
		Pending: &admin.GrantDocument{
			ID:               "MXWYGD7J",
			IssuedAt:         at(-time.Minute),
			LoginFingerprint: "37738074",
			ShapeFingerprint: "b756b01a",
		},
		Lease: &admin.LeaseDocument{
			Holder:    "process 4711 on build-7",
			RenewedAt: at(-40 * time.Second),
			ExpiresAt: at(80 * time.Second),
			Held:      true,
		},
		Block: &admin.BlockDocument{
			Reason: "credentials_rejected", Since: at(-26 * time.Hour), LoginFingerprint: "7f5db348",
			Message: "log in at https://gateway.sagi.kz/api/v1/auth/business: HTTP 401: invalid credentials",
		},
		Rejections: []admin.RejectionDocument{
			{LoginFingerprint: "7f5db348", At: at(-26 * time.Hour)},
			{LoginFingerprint: "11aa22bb", At: at(-25 * time.Hour)},
		},
		Challenge: &admin.ChallengeDocument{SentAt: at(-3 * time.Minute)},
		Targets: []admin.RecordTarget{
			{
				Sink:        "vault.main",
				Location:    "secret/shop/sagi",
				Holds:       "current",
				Version:     "7",
				DeliveredAt: at(-time.Hour),
				Keys:        []string{"access_token", "group_id"},
			},
			{
				Sink:        "k8ssecret.shop",
				Location:    "shop/sagi-token",
				Holds:       "older",
				Version:     "981244",
				DeliveredAt: at(-30 * 24 * time.Hour),
				Keys:        []string{"TOKEN\x1b[2J"},
				Merge:       true,
			},
			{Sink: "file.out", Location: "out/sagi.json", Holds: "nothing"},
		},
		OnRemove: "delete",
	}
}

func quiet() admin.RecordDocument {
	return admin.RecordDocument{
		Address:  "account.invoicebox.billing",
		Provider: "invoicebox",
		Project:  "payments",
		Declared: truth(true),
		Current:  &admin.GrantDocument{IssuedAt: at(-time.Hour)},
		OnRemove: "retain",
	}
}

// narrow fails where a line does not fit a terminal, or moves its cursor.
func narrow(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "\x1b") {
		t.Errorf("an escape sequence reaches the terminal: %q", text)
	}
	for line := range strings.Lines(text) {
		if columns(strings.TrimRight(line, "\n")) > DefaultWidth {
			t.Errorf("the line is wider than %d columns: %s", DefaultWidth, line)
		}
	}
}

func TestStateViews(t *testing.T) {
	for name, show := range map[string]func(*Output){
		"list": func(o *Output) {
			undecided := quiet()
			undecided.Declared, undecided.Current, undecided.Address = nil, nil, "account.bereke.main"
			o.Records(RecordsDocument{Project: "payments", Records: []admin.RecordDocument{undecided, quiet(), eventful()},
				Diagnostics: diag.List{diag.Errorf("A record could not be read", "It is damaged.")}}, false)
		},
		"empty": func(o *Output) { o.Records(RecordsDocument{Project: "payments"}, false) },
		"list-json": func(o *Output) {
			o.Records(RecordsDocument{Project: "payments", Records: []admin.RecordDocument{quiet()}}, true)
		},
		"show": func(o *Output) { o.Record(eventful(), false) },
		"show-none": func(o *Output) {
			o.Record(admin.RecordDocument{Address: "account.sagi.a", Project: "payments", OnRemove: "retain"}, false)
		},
		"rm":       func(o *Output) { o.Forgetting(eventful()) },
		"rm-quiet": func(o *Output) { o.Forgetting(quiet()) },
		"rm-damaged": func(o *Output) {
			o.ForgettingDamaged("account.sagi.a", errors.New("state record is corrupt: read the state at secret/state/a"))
		},
		"unlock": func(o *Output) { o.Unlocking("account.sagi.a", *eventful().Lease) },
		"unlock-over": func(o *Output) {
			over := *eventful().Lease
			over.Held = false
			o.Unlocking("account.sagi.a", over)
		},
		"saved": func(o *Output) {
			o.SavedPlan(&engine.Saved{Path: ".", CreatedAt: noon.Add(-time.Hour), Targets: []string{"sagi.*"},
				Replace: []string{"sagi.a"}, Offline: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := capture(false)
			show(c.Output)
			if !strings.HasSuffix(name, "json") {
				narrow(t, c.both())
			}
			checkGolden(t, c.both())
		})
	}
}

func TestVerifyViews(t *testing.T) {
	block := &plan.Block{Reason: "credentials_rejected", Message: "the upstream rejected these credentials before", Since: noon.Add(-time.Hour)}
	checks := []engine.Check{
		{Address: "account.bereke.main", Finding: engine.TokenUnclear, Message: "verify the token: HTTP 503", At: noon},
		{Address: "account.invoicebox.billing", Finding: engine.TokenValid, IssuedAt: noon, At: noon},
		{Address: "account.sagi.a", Finding: engine.TokenValid, ExpiresAt: noon.Add(time.Hour), Blocker: block, At: noon},
		{Address: "account.sagi.expired", Finding: engine.TokenExpired, ExpiresAt: noon.Add(-time.Hour), At: noon},
		{Address: "account.sagi.missing", Finding: engine.TokenMissing, At: noon},
		{Address: "account.sagi.outdated", Finding: engine.TokenOutdated, At: noon},
		{Address: "account.sagi.rejected", Finding: engine.TokenRejected, Message: "verify the token: HTTP 401", At: noon},
		{Address: "account.sagi.stopped", Finding: engine.TokenRejected, Blocker: block, At: noon},
		{Address: `account.sagi.with_a_rather_long_name_that_goes_on["and a key that does too"]`, Finding: engine.AccountUnreadable, Message: "the state cannot be read: it is sealed", At: noon},
	}
	for name, asJSON := range map[string]bool{"text": false, "json": true} {
		t.Run(name, func(t *testing.T) {
			c := capture(false)
			NewVerify(c.Output, asJSON).Show("payments", checks, diag.List{diag.Warningf("The clocks differ", "By a minute.")})
			checkGolden(t, c.both())
			if !asJSON {
				narrow(t, c.both())
			}
		})
	}
}
