package failure_test

import (
	"slices"
	"testing"

	"github.com/credsync/credsync/failure"
)

// The words stand in the output, in JSON, in metrics and in records: whoever has a rule
// for one finds it spelt like this.
func TestTheWordsForFailures(t *testing.T) {
	want := []failure.Class{"credentials", "config", "human", "retryable", "server", "denied", "unavailable", "conflict", "corrupt", "other"}
	if !slices.Equal(failure.Classes, want) {
		t.Errorf("the classes are %q", failure.Classes)
	}
	for got, want := range map[failure.Reason]failure.Reason{
		failure.NeedsCode: "needs_code", failure.CredentialsRejected: "credentials_rejected", failure.CertificateExpired: "certificate_expired",
		failure.AccountLocked: "account_locked", failure.PasswordChangeRequired: "password_change_required", failure.SecondFactorUnsupported: "second_factor_unsupported",
		failure.NoAccess: "no_access", failure.UnclassifiedRefusal: "unclassified_refusal", failure.ExpiredAtIssue: "expired_at_issue", failure.NeedsApproval: "needs_approval",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A login that may have been refused for the sake of what was sent is counted, since the
// same in each run could lock the account.
func TestWhichRefusalsOfALoginAreCounted(t *testing.T) {
	refused := func(edit func(*failure.Error)) failure.Error {
		e := failure.Error{Op: failure.LogIn, Class: failure.Config, Status: 400}
		edit(&e)
		return e
	}
	status := func(s int) failure.Error { return refused(func(e *failure.Error) { e.Status = s }) }
	for name, c := range map[string]struct {
		e                failure.Error
		counted, refuses bool
	}{
		"a wrong request":          {status(400), true, true},
		"a fault of the server":    {status(500), true, true},
		"an envelope in a success": {status(200), true, true},
		"the last of those":        {status(299), true, true},
		"a redirect":               {status(300), false, true},
		"the last redirect":        {status(399), false, true},
		"the proxy's login":        {status(407), false, true},
		"no answer":                {status(0), false, false},
		"what passes by itself":    {refused(func(e *failure.Error) { e.Class = failure.Retryable }), false, true},
		"rejected for certain":     {refused(func(e *failure.Error) { e.Class = failure.Credentials }), false, true},
		"a refusal that nobody knows": {refused(func(e *failure.Error) { e.Class, e.Reason = failure.Server, failure.UnclassifiedRefusal }),
			true, true},
		"what the account asks for":     {refused(func(e *failure.Error) { e.Op = "refresh the token" }), false, false},
		"the check of a token as it is": {refused(func(e *failure.Error) { e.Op, e.OfCredentials = "check the token", true }), true, false},
	} {
		if c.e.IsCounted() != c.counted || c.e.RefusesLogin() != c.refuses {
			t.Errorf("%s: counted %t, refuses a login %t", name, c.e.IsCounted(), c.e.RefusesLogin())
		}
	}
}
