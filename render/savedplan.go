package render

import (
	"strings"

	"github.com/credsync/credsync/engine"
)

// SavedPlan says what a saved plan was made of; the plan itself is shown as the
// plan command does.
func (o *Output) SavedPlan(s *engine.Saved) {
	p := planPrinter{Stream: o.Out, now: o.Now()}
	line := "Saved plan of the configuration at " + clean(s.Path)
	if !s.CreatedAt.IsZero() {
		line += ", made " + both(s.CreatedAt, p.now)
	}
	for _, given := range []struct {
		flag string
		list []string
	}{{"--target", s.Targets}, {"--replace", s.Replace}} {
		if len(given.list) > 0 {
			line += ", with " + given.flag + " " + clean(strings.Join(given.list, " "))
		}
	}
	if s.Offline {
		line += ", with --offline"
	}
	p.paragraph(0, line+".")
	p.printf("\n")
}
