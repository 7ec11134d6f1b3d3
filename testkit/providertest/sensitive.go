package providertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

// Sensitive are the names of a provider's values that must not be shown, in any order,
// parted by spaces. Those of a nested block have its name before them: certificate.key_pem.
type Sensitive struct {
	// Secret attributes may not stand in the configuration; Public ones, such as a
	// user's name, may.
	Secret, Public string
	// Outputs are sensitive, and Withheld those of them that no target gets unasked.
	Outputs, Withheld string
}

// CheckSensitive compares the tables of a provider with the names that its test has
// written down: a row that is no longer sensitive is shown in plans and logs, and no
// other test can know that it should not be.
func CheckSensitive(t *testing.T, spec *providers.Spec, want Sensitive) {
	t.Helper()
	found := map[string][]string{}
	note := func(before string, rows []schema.Attribute) {
		for _, row := range rows {
			switch {
			case row.Sensitive && row.Public:
				found["public"] = append(found["public"], before+row.Name)
			case row.Sensitive:
				found["secret"] = append(found["secret"], before+row.Name)
			case row.Public:
				t.Errorf("%s%s is public and not sensitive", before, row.Name)
			}
		}
	}
	note("", spec.Attributes)
	for _, b := range spec.Blocks {
		note(b.Type+".", b.Attributes)
	}
	for _, o := range spec.Outputs {
		if o.Sensitive {
			found["outputs"] = append(found["outputs"], o.Name)
		}
		if o.Withheld {
			found["withheld"] = append(found["withheld"], o.Name)
		}
	}
	for kind, names := range map[string]string{"secret": want.Secret, "public": want.Public, "outputs": want.Outputs, "withheld": want.Withheld} {
		wanted := strings.Fields(names)
		slices.Sort(wanted)
		slices.Sort(found[kind])
		if !slices.Equal(found[kind], wanted) {
			t.Errorf("%s: the tables have %q, want %q", kind, found[kind], wanted)
		}
	}
}
