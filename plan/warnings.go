package plan

import "fmt"

// warnings are what is not wrong yet.
func warnings(a *Account) []Warning {
	if a.Removed || !a.Enabled || a.Unreadable != "" || a.Token == nil {
		return nil
	}
	var list []Warning
	if a.Verification.Outcome == Unclear {
		list = append(list, Warning{
			"The token could not be verified",
			a.Verification.Message + ". Until the upstream answers, what is known of its expiry is relied on.",
		})
	}
	r := rotation(a)
	if r.At.IsZero() {
		return list
	}
	lifetime := a.Token.ExpiresAt.Sub(a.Token.IssuedAt)
	if r.Shortened {
		list = append(list, Warning{
			"rotate_before is not below the token's lifetime",
			fmt.Sprintf("The token lives %s, so rotate_before would replace it at each run. A third of its lifetime, %s, is used instead; set rotate_before to less than %s.",
				Duration(lifetime), Duration(r.Window), Duration(lifetime)),
		})
	}
	if a.RunsEvery > r.Window {
		list = append(list, Warning{
			"The schedule is too slow for this token",
			fmt.Sprintf("The token lives %s and is replaced in its last %s, but up to %s pass between two runs, so it can expire before a run replaces it. Run more often%s.",
				Duration(lifetime), Duration(r.Window), Duration(a.RunsEvery), longerWindow(a, r)),
		})
	}
	return list
}

// longerWindow adds the other way out where there is one.
func longerWindow(a *Account, r Rotation) string {
	lifetime := a.Token.ExpiresAt.Sub(a.Token.IssuedAt)
	if a.RunsEvery < lifetime-r.Window && !r.Shortened {
		return fmt.Sprintf(", or set rotate_before to more than %s", Duration(a.RunsEvery))
	}
	return ""
}
