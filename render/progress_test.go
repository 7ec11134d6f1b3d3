package render

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

func TestPlanShowsARuleToCopyOnLinesOfItsOwn(t *testing.T) {
	c := capture(false)
	planPrinter{Stream: c.Output.Out}.paragraph(6, "its policy needs\npath \"x\" { capabilities = [\"read\"] }")
	const want = "      its policy needs\n      path \"x\" { capabilities = [\"read\"] }\n"
	if got := c.both(); !strings.Contains(got, want) {
		t.Errorf("%q", got)
	}
}

// A message may have lines, such as a policy that is to be added; the progress
// of an account is told on one.
func TestProgressTellsOfAnAccountOnOneLine(t *testing.T) {
	c := capture(false)
	p := NewProgress(c.Output, 1)
	p.AccountDone(engine.Outcome{Address: "account.sagi.a", Result: engine.Failed, Message: "the policy needs\npath \"x\" { }"})
	p.Close()
	if got := c.both(); !strings.Contains(got, `the policy needs path "x" { }`) {
		t.Errorf("%q", got)
	}
}

// A failed account stands twice in what an apply prints: in its place, in one
// line, and at the end with all there is to say. What the plan has told already
// is not told at length again.
func TestFailedAccountIsToldInItsPlaceAndOnceAtTheEnd(t *testing.T) {
	failed := func(address string) engine.Outcome {
		d := diag.Errorf("The login failed", "%s", "cannot log in at https://gateway.sagi.kz/api/v1/auth/business: HTTP 502 of "+address+". Run apply again later.")
		return engine.Outcome{
			Address: address, Action: plan.Issue, Result: engine.Failed, Cause: "HTTP 502, at https://gateway.sagi.kz/api/v1/auth/business", Message: d.Summary + ". " + d.Detail,
			Diagnostics: diag.List{d.About(address, nil)},
		}
	}
	one, known := failed("account.sagi.one"), failed("account.sagi.known")
	c := capture(false)
	v := NewApply(c.Output, false)
	v.Diagnostics(known.Diagnostics)
	planned := c.both()
	v.Begin(2)
	v.AccountDone(one)
	v.AccountDone(known)
	if got := c.out.String(); !strings.Contains(got, "2026-01-15T12:00:00Z [1/2] account.sagi.one: failed: HTTP 502, at https:") {
		t.Errorf("%s", got)
	}
	v.Finish(&engine.Summary{Outcomes: []engine.Outcome{known, one}})
	got := c.both()
	if n := strings.Count(got, one.Address); n != 3 { // its place; the diagnostic names it, as its text does
		t.Errorf("account.sagi.one stands %d times in\n%s", n, got)
	}
	if n := strings.Count(strings.TrimPrefix(got, planned), "of "+known.Address); n > 1 || !strings.Contains(got, "\n  Failed as shown above: account.sagi.known.\n") {
		t.Errorf("account.sagi.known stands in\n%s", got)
	}
	fits(t, got)
}

// A check of many accounts tells of each when it is done, and as JSON nothing but
// its one object.
func TestVerifyTellsHowFarItHasGot(t *testing.T) {
	checks := []engine.Check{{Address: "account.sagi.a", Finding: engine.TokenValid}, {Address: "account.sagi.b", Finding: engine.TokenRejected}}
	for _, c := range []struct {
		json, terminal bool
		want           string
	}{
		{want: "2026-01-15T12:00:00Z [1/2] account.sagi.a: valid\n2026-01-15T12:00:00Z [2/2] account.sagi.b: rejected\n"},
		{terminal: true, want: eraseLine + "1/2 accounts, 0s" + eraseLine + "2/2 accounts, 0s" + eraseLine},
		{json: true},
	} {
		out := capture(false)
		out.Err.Terminal = c.terminal
		v := NewVerify(out.Output, c.json)
		v.CheckBegun(len(checks))
		for _, one := range checks {
			v.AccountChecked(one)
		}
		v.Show("payments", checks, nil)
		if got := out.err.String(); got != c.want {
			t.Errorf("json %t, terminal %t: %q", c.json, c.terminal, got)
		}
	}
}

// On a terminal a line is cut, so the reason stands before the place.
func TestFailureOnATerminalBeginsWithTheReason(t *testing.T) {
	c := capture(false)
	c.Output.Err.Terminal = true
	p := newReportProgress(c.Output, 1)
	p.AccountDone(engine.Outcome{
		Address: "account.sagi.coffee", Result: engine.Failed, Message: "The login failed. Cannot log in at https://gateway.sagi.kz/api/v1/auth/business: HTTP 502",
		Cause: "HTTP 502: the service failed, at https://gateway.sagi.kz/api/v1/auth/business",
	})
	p.Close()
	if got := c.both(); !strings.Contains(got, "! account.sagi.coffee: failed: HTTP 502: the service failed, at https://gateway…\n") {
		t.Errorf("%q", got)
	}
}

// A log's lines are not broken: a rule in it is to be copied, and a reason to be found.
func TestALogIsNotWrapped(t *testing.T) {
	c := capture(false)
	c.Output.Out.Width, c.Output.Err.Width = Unbounded, Unbounded
	long := strings.Repeat("a reason that is long enough to need several lines on a terminal, ", 5) + "and its end"
	c.Output.Diagnostics(diag.List{diag.Errorf("The login failed", "%s", long)})
	planPrinter{Stream: c.Output.Out}.paragraph(6, long)
	NewStatus(c.Output, StatusOptions{}).Show(busyDocument())
	NewPlan(c.Output, false).Show(busyDocument())
	if n := strings.Count(c.both(), long); n != 2 {
		t.Errorf("%d whole texts in\n%s", n, c.both())
	}
}
