package render

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
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
