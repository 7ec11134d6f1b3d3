package providertest

import (
	"errors"
	"slices"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
)

// means reports whether an error is the one of the case.
func (c Case) means(e *failure.Error) bool {
	return e.Class == c.Class && e.Reason == c.Reason && e.Attribute == c.Attribute
}

// checkNotSaid finds names in Target.NotSaid that nothing has.
func checkNotSaid(t *testing.T, target Target) {
	t.Helper()
	for name := range target.NotSaid {
		_, odd := target.Odd[name]
		if !odd && !slices.ContainsFunc(target.Errors, func(c Case) bool { return c.Name == name }) {
			t.Errorf("NotSaid has %q, which is no case", name)
		}
	}
}

// wantOtherwise ends the test of a case that is listed in Target.NotSaid.
func (h *Harness) wantOtherwise(t *testing.T, c Case, token credential.Token, why string) {
	t.Helper()
	_, err := h.Do(t.Context(), c.Op, token)
	h.checkHidden(t, err, token)
	var e *failure.Error
	if errors.As(err, &e) && c.means(e) {
		t.Errorf("this comes out as documented, so NotSaid must not list it: %v", e)
	}
	t.Skip(why)
}
