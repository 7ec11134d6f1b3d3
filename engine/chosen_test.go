package engine_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
)

func TestPatternsLimitAPlan(t *testing.T) {
	w := newWorld(t, `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  for_each = toset(["almaty", "astana", "berlin"])
  user     = each.key
  password = "pw"
  deliver "memory" "main" { path = each.key }
}
`)
	w.expectOf(engine.Request{Targets: []string{`*.a["a*"]`, `fake.a["almaty"]`}},
		`a["almaty"] issue no_token`, `a["astana"] issue no_token`)
	w.mustApply()
	w.expectOf(engine.Request{Replace: []string{`fake.a["*n"]`}},
		`a["almaty"] none current`, `a["astana"] none current`, `a["berlin"] reissue forced`)
	p := w.plan(engine.Request{Targets: []string{"fake.a*", `fake.a["c*"]`}})
	if len(p.Accounts) > 0 || len(p.Diagnostics) != 1 || !strings.Contains(p.Diagnostics[0].Detail, `--target fake.a["c*"] does not match any account`) {
		t.Errorf("a pattern that names nothing: %d accounts, %+v", len(p.Accounts), p.Diagnostics)
	}
}
