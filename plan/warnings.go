package plan

import "github.com/credsync/credsync/schema/diag"

// warnings are what is not wrong yet.
func warnings(a *Account) []Warning {
	if a.Removed || !a.Enabled || a.Unreadable != "" {
		return nil
	}
	var list []Warning
	if a.Verification.Outcome == Unclear {
		list = append(list, Warning{
			"The token could not be verified",
			diag.Clause(a.Verification.Message) + ". Until the upstream answers, credsync relies on the token's known expiry.",
		})
	}
	life := Life{Lifetime: a.Lifetime, Documented: true, RotateBefore: a.RotateBefore, RunsEvery: a.RunsEvery}
	if t := a.Token; t != nil {
		life.Lifetime, life.Documented = 0, false
		if !t.ExpiresAt.IsZero() {
			life.Lifetime = t.ExpiresAt.Sub(t.IssuedAt)
		}
	}
	return append(list, life.Warnings()...)
}
