package providertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

// Rows are the names of a provider's attributes that matter outside the provider, in any
// order, parted by spaces. Those of a nested block have its name before them:
// certificate.key_pem.
type Rows struct {
	// Required attributes are those without which the configuration is refused. If a
	// row stopped to require one, the account would fail at its first login.
	Required string
	// Endpoints name a server that the account depends on, which credsync doctor tries.
	Endpoints string
	// AddedLater are those that were no attributes yet when accounts were first
	// recorded: at its default, such a row must not replace their tokens.
	AddedLater string
}

// CheckRows compares the tables of a provider with the names that its test has written
// down.
func CheckRows(t *testing.T, spec *providers.Spec, want Rows) {
	t.Helper()
	found := map[string][]string{}
	note := func(before string, rows []schema.Attribute) {
		for _, row := range rows {
			for kind, is := range map[string]bool{"required": row.Required, "endpoints": row.Endpoint, "added later": row.AddedLater} {
				if is {
					found[kind] = append(found[kind], before+row.Name)
				}
			}
		}
	}
	note("", spec.Attributes)
	for _, b := range spec.Blocks {
		note(b.Type+".", b.Attributes)
	}
	for kind, names := range map[string]string{"required": want.Required, "endpoints": want.Endpoints, "added later": want.AddedLater} {
		wanted := strings.Fields(names)
		slices.Sort(wanted)
		slices.Sort(found[kind])
		if !slices.Equal(found[kind], wanted) {
			t.Errorf("%s: the tables have %q, want %q", kind, found[kind], wanted)
		}
	}
}
