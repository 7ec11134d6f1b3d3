package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
)

func address(i int) string { return fmt.Sprintf("account.sagi.shop[\"%05d\"]", i) }

// tenThousand are current but for one new account and one that is blocked.
func tenThousand() plan.Document {
	d := NoPlan(nil)
	d.Project = "payments"
	for i := range 10_000 {
		a := plan.DocumentAccount{
			Address:  address(i),
			Provider: "sagi",
			Action:   plan.None,
			Reason:   plan.Current,
			Health:   plan.OK,
		}
		switch i {
		case 17:
			a.Action, a.Reason, a.Message = plan.BlockedAction, "credentials_rejected", "the upstream rejected these credentials"
			a.Blocker = &plan.DocumentBlocker{Reason: "credentials_rejected", Message: "the upstream rejected these credentials", Address: a.Address}
		case 8_000:
			a.Action, a.Reason, a.Message = plan.Issue, plan.NoToken, "no token yet"
		}
		d.Accounts = append(d.Accounts, a)
	}
	return d
}

func TestPlanOfTenThousandAccountsListsOnlyWhatMatters(t *testing.T) {
	c := capture(false)
	NewPlan(c.Output, false).Show(tenThousand())
	text := c.out.String()
	if lines := strings.Count(text, "\n"); lines > 30 {
		t.Errorf("%d lines:\n%.2000s", lines, text)
	}
	if strings.Contains(text, address(5)) || !strings.Contains(text, "9998 accounts are current") {
		t.Errorf("current accounts are not summed up:\n%s", text)
	}
	if busy, blocked := strings.Index(text, address(8_000)), strings.Index(text, address(17)); busy < 0 ||
		blocked < busy {
		t.Errorf("the blocked account does not come last:\n%s", text)
	}
}

func TestApplyOfTenThousandAccountsEndsWithWhatFailed(t *testing.T) {
	c := capture(false)
	v := NewApply(c.Output, false)
	s := &engine.Summary{}
	v.Begin(10_000)
	for i := range 10_000 {
		o := engine.Outcome{
			Address: address(i),
			Action:  plan.Issue,
			Reason:  plan.NoToken,
			Result:  engine.Done,
			At:      noon,
		}
		if i == 3 {
			o.Result, o.Message = engine.Failed, "The upstream does not answer."
		}
		s.Outcomes = append(s.Outcomes, o)
		v.AccountDone(o)
	}
	c.out.Reset()
	c.err.Reset()
	v.Finish(s)
	text := c.out.String() + c.err.String()
	if lines := strings.Count(text, "\n"); lines > 20 || !strings.Contains(text, address(3)) ||
		strings.Contains(text, address(4)) {
		t.Errorf("the end has %d lines:\n%.2000s", lines, text)
	}
}

// lineWrites counts what is written, and notes writes that are no whole line.
type lineWrites struct {
	lines  int
	broken []string
}

func (w *lineWrites) Write(p []byte) (int, error) {
	if w.lines++; !json.Valid(p) || bytes.IndexByte(p, '\n') != len(p)-1 {
		w.broken = append(w.broken, string(p))
	}
	return len(p), nil
}

func TestApplyJSONWritesEachLineAsItHappens(t *testing.T) {
	c := capture(false)
	w := &lineWrites{}
	c.Out.Writer = w
	v := NewApply(c.Output, true)
	v.Planned(tenThousand())
	v.Begin(10_000)
	before := w.lines
	for i := range 10_000 {
		v.AccountDone(
			engine.Outcome{
				Address: address(i),
				Action:  plan.Issue,
				Reason:  plan.NoToken,
				Result:  engine.Done,
				At:      noon,
			},
		)
		if w.lines != before+i+1 {
			t.Fatalf("after %d accounts %d lines were written", i+1, w.lines-before)
		}
	}
	if len(w.broken) > 0 {
		t.Errorf("not one line of JSON in one write: %q", w.broken[0])
	}
}
