package main

import (
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
)

func TestExitCodeOfVerify(t *testing.T) {
	valid := engine.Check{Address: "account.sagi.a", Finding: engine.TokenValid}
	disabled := engine.Check{Address: "account.sagi.b", Finding: engine.AccountDisabled}
	expired := engine.Check{Address: "account.sagi.c", Finding: engine.TokenExpired}
	human := engine.Check{Address: "account.sagi.d", Finding: engine.TokenRejected, Blocker: &plan.Block{Reason: "credentials_rejected"}}
	// The token works; that the credentials do not is for the next rotation.
	warned := engine.Check{Address: "account.sagi.e", Finding: engine.TokenValid, Blocker: &plan.Block{Reason: "credentials_rejected"}}
	tests := map[string]struct {
		checks []engine.Check
		want   int
	}{
		"none":              {nil, exitDone},
		"good":              {[]engine.Check{valid, disabled}, exitDone},
		"a good one":        {[]engine.Check{warned}, exitDone},
		"expired":           {[]engine.Check{valid, expired}, exitError},
		"a human":           {[]engine.Check{valid, human}, exitHuman},
		"expired and human": {[]engine.Check{human, expired}, exitError},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := command(t, &fakeEngine{checks: tt.checks}, []string{"verify"})
			if r.code != tt.want {
				t.Errorf("exit %d, want %d\n%s%s", r.code, tt.want, r.stdout, r.stderr)
			}
		})
	}
	if r := command(t, nil, []string{"verify"}); r.code != exitError {
		t.Errorf("without a configuration: exit %d", r.code)
	}
}
