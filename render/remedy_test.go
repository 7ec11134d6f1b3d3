package render

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
)

func TestEveryBlockByAnUpstreamSaysWhatToDo(t *testing.T) {
	for _, reason := range []failure.Reason{
		failure.NeedsCode, failure.CredentialsRejected, failure.CertificateExpired, failure.AccountLocked,
		failure.PasswordChangeRequired, failure.SecondFactorUnsupported, failure.NoAccess,
	} {
		t.Run(string(reason), func(t *testing.T) {
			advice, command := remedy(plan.Reason(reason), "account.sagi.coffee", false)
			if advice == "" {
				t.Error("a person is needed and is not told for what")
			}
			if strings.HasSuffix(advice, ":") != (command != "") {
				t.Errorf("advice %q goes with command %q", advice, command)
			}
		})
	}
}

func TestCommandsToCopySurviveAShell(t *testing.T) {
	tests := map[string]string{
		"account.sagi.coffee":            "sagi.coffee",
		`account.sagi.coffee["a b"]`:     `'sagi.coffee["a b"]'`,
		`account.sagi.coffee["it's"]`:    `'sagi.coffee["it'\''s"]'`,
		`account.sagi.coffee["$(true)"]`: `'sagi.coffee["$(true)"]'`,
	}
	for address, want := range tests {
		if got := quoteArgument(address); got != want {
			t.Errorf("quoteArgument(%s) = %s, want %s", address, got, want)
		}
	}
}

func TestRemedyOfACodeThatWasSentSendsNoOther(t *testing.T) {
	advice, command := remedy(plan.NeedsCode, "account.bifit_kassa.shop", true)
	if command != "credsync login bifit_kassa.shop --code-file FILE" || !strings.Contains(advice, "another code is sent") {
		t.Errorf("%q %q", advice, command)
	}
}
