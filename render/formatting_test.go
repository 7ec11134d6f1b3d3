package render

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

func TestCleanShowsWhatWouldActOnATerminal(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"plain":           {"log in: HTTP 401", "log in: HTTP 401"},
		"other scripts":   {"Алматы қаласы", "Алматы қаласы"},
		"escape sequence": {"\x1b[2Jgone", `\x1b[2Jgone`},
		"carriage return": {"good\rbad", `good\x0dbad`},
		"line feed":       {"a\nb", `a\x0ab`},
		"C1 control":      {"a\u009b31m", `a\u009b31m`},
		"right to left":   {"a\u202eb", `a\u202eb`},
		"line separator":  {"a\u2028b", `a\u2028b`},
		"invalid UTF-8":   {"a\xffb", "a\ufffdb"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := clean(tt.in); got != tt.want {
				t.Errorf("clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzCleanLeavesNothingUnsafe(f *testing.F) {
	for _, s := range []string{"", "a", "\x1b]0;title\a", "\u202e", "\xc3\x28"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range clean(s) {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Errorf("clean(%q) leaves %U", s, r)
			}
		}
	})
}

// Whatever comes from an upstream or a file passes through every view here.
func TestNoViewPassesOnTerminalSequences(t *testing.T) {
	const hostile = "\x1b]0;owned\a\u202e"
	d := NoPlan(diag.List{{
		Severity: diag.Error, Summary: hostile, Detail: hostile, Address: hostile,
		Range:   &diag.Range{Filename: hostile},
		Snippet: &diag.Snippet{Context: new(string), Code: hostile},
	}})
	*d.Diagnostics[0].Snippet.Context = hostile
	d.Project = hostile
	blocker := &plan.DocumentBlocker{Reason: "no_access", Message: hostile}
	targets := []plan.DocumentTarget{
		{Sink: hostile, Location: hostile, Action: plan.Deliver, Reason: plan.TargetDrifted, Message: hostile},
	}
	for _, a := range []plan.Action{plan.Issue, plan.None, plan.BlockedAction} {
		d.Accounts = append(
			d.Accounts,
			plan.DocumentAccount{
				Address: hostile,
				Action:  a,
				Reason:  plan.Current,
				Message: hostile,
				Blocker: blocker,
				Targets: targets,
			},
			plan.DocumentAccount{
				Address: hostile,
				Action:  a,
				Reason:  plan.Disabled,
				Message: hostile,
				Targets: targets,
			},
			plan.DocumentAccount{Address: hostile, Action: a, Reason: plan.Current, Message: hostile, Targets: targets},
		)
	}
	c := capture(false)
	NewPlan(c.Output, false).Show(d)
	NewStatus(c.Output, StatusOptions{}).Show(d)
	c.Line(hostile)
	c.Note(hostile)
	for _, asJSON := range []bool{false, true} {
		v := NewApply(c.Output, asJSON)
		v.Begin(1)
		v.AccountStarted(&engine.AccountPlan{Decision: plan.Decision{Address: hostile}})
		outcomes := []engine.Outcome{
			{Address: hostile, Result: engine.Failed, Message: hostile},
			{
				Address: hostile,
				Result:  engine.Blocked,
				Message: hostile,
				Blocker: &plan.Block{Reason: "no_access", Message: hostile},
			},
			{Address: hostile, Result: engine.Done, Action: plan.Issue, Message: hostile},
		}
		for _, o := range outcomes {
			v.AccountDone(o)
		}
		v.Finish(&engine.Summary{Outcomes: outcomes})
	}
	if i := strings.IndexAny(c.both(), "\x1b\a"); i >= 0 {
		t.Errorf("a control character reaches the terminal in %q", c.both()[max(0, i-60):i+1])
	}
}

func TestWhatComesWithinASecondHasNotCome(t *testing.T) {
	now := time.Date(2026, 3, 1, 11, 59, 59, 0, time.UTC)
	for after, want := range map[time.Duration]string{
		time.Millisecond: "in 1s", 999 * time.Millisecond: "in 1s", 90 * time.Second: "in 1m30s",
		0: "just now", -999 * time.Millisecond: "just now", -time.Second: "1s ago",
	} {
		if got := relativeTime(now.Add(after), now); got != want {
			t.Errorf("%s: %q, want %q", after, got, want)
		}
	}
}
