package diag_test

import (
	"testing"

	"github.com/credsync/credsync/schema/diag"
)

// What goes on behind a sentence must not leave two full stops.
func TestClauseHasNoFullStop(t *testing.T) {
	for in, want := range map[string]string{"": "", "it failed": "it failed", "Report it there.": "Report it there", "and so on...": "and so on"} {
		if got := diag.Clause(in); got != want {
			t.Errorf("Clause(%q) = %q, want %q", in, got, want)
		}
	}
}
