package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// mark stands before an account that is not well, so that it is found without
// colours too.
func mark(h plan.Health) string {
	switch h {
	case plan.Critical:
		return "!"
	case plan.Unknown:
		return "?"
	case plan.Warn:
		return "*"
	default:
		return " "
	}
}

// health colours a text by how bad it is.
func (s style) health(h plan.Health, text string) string {
	if text == " " {
		return text
	}
	switch h {
	case plan.Critical:
		return s.red(text)
	case plan.Unknown:
		return s.cyan(text)
	case plan.Warn:
		return s.yellow(text)
	case plan.OK:
		return s.green(text)
	default:
		return text
	}
}

// byHealth orders accounts from the worst to the best: those that need a human
// before others, the earlier before the later, and otherwise by address.
func byHealth(accounts []plan.DocumentAccount) []plan.DocumentAccount {
	sorted := slices.Clone(accounts)
	slices.SortStableFunc(sorted, func(a, b plan.DocumentAccount) int {
		if a.Health != b.Health {
			if a.Health.WorseThan(b.Health) {
				return -1
			}
			return 1
		}
		return cmp.Or(compareBlocked(a, b), cmp.Compare(a.Address, b.Address))
	})
	return sorted
}

func compareBlocked(a, b plan.DocumentAccount) int {
	switch {
	case (a.Blocker == nil) == (b.Blocker == nil):
		return 0
	case a.Blocker != nil:
		return -1
	}
	return 1
}

// healthCounts is "2 critical, 1 warning, 5 ok", the worst first, leaving out
// what there is none of.
func healthCounts(accounts []plan.DocumentAccount) string {
	counts := countHealth(accounts)
	var parts []string
	for _, h := range slices.Backward(plan.Healths) {
		if n := counts[h]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, h))
		}
	}
	return strings.Join(parts, ", ")
}

func countHealth(accounts []plan.DocumentAccount) map[plan.Health]int {
	counts := map[plan.Health]int{}
	for _, a := range accounts {
		counts[a.Health]++
	}
	return counts
}

// clockWords name a clock for people.
func clockWords(name plan.ClockName) string {
	if name == plan.RefreshMaterial {
		return "refresh token"
	}
	return strings.ReplaceAll(string(name), "_", " ")
}

// monitorLine is the first line of what a monitoring plugin prints: the state,
// the worst account, and performance data. What comes from outside cannot
// forge the latter.
func monitorLine(d plan.Document) string {
	counts := countHealth(d.Accounts)
	worst := d.Worst()
	line := "CREDSYNC " + strings.ToUpper(string(worst)) + " - " + monitorReason(d, worst)
	return fmt.Sprintf("%s | critical=%d unknown=%d warning=%d ok=%d", strings.ReplaceAll(clean(line), "|", "/"),
		counts[plan.Critical], counts[plan.Unknown], counts[plan.Warn], counts[plan.OK])
}

// monitorReason names what is worst: an account, or an error where no account
// is as bad.
func monitorReason(d plan.Document, worst plan.Health) string {
	if worst == plan.OK {
		return Plural(len(d.Accounts), "account") + " ok"
	}
	accounts := byHealth(d.Accounts)
	if len(accounts) > 0 && accounts[0].Health == worst {
		reason := accounts[0].Address
		if m := accounts[0].HealthMessage; m != nil {
			reason += ": " + *m
		}
		if others := len(accounts) - countHealth(accounts)[plan.OK] - 1; others > 0 {
			reason += fmt.Sprintf("; %d more not ok", others)
		}
		return reason
	}
	i := slices.IndexFunc(d.Diagnostics, func(p diag.Diagnostic) bool { return p.Severity == diag.Error })
	if i < 0 {
		return "nothing could be checked"
	}
	return d.Diagnostics[i].Summary + ": " + d.Diagnostics[i].Detail
}
