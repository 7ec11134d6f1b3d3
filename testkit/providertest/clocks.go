package providertest

import (
	"slices"
	"testing"
	"time"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/google/go-cmp/cmp"
)

// testClocks checks what is said of times with no request: the documented
// lifetime, and the clocks of a Timekeeper.
func testClocks(t *testing.T, target Target) {
	h := New(t, target)
	values := schema.NewValues(target.Spec.Block(), "", h.attrs, nil)
	switch lifetime := target.Spec.Lifetime; {
	case target.Spec.Static:
		if lifetime != nil {
			t.Error("a static token has no lifetime")
		}
	case lifetime == nil || lifetime(values) <= 0:
		t.Error("the spec names no lifetime, so no schedule can be judged before there is a token")
	}
	keeper, ok := h.Provider.(providers.Timekeeper)
	if !ok {
		if target.Spec.Static {
			t.Error("a static token never expires, so its age must be told: implement Timekeeper")
		}
		return
	}
	seen := providers.Seen{FirstAt: time.Now().Add(-time.Hour), Outputs: h.previous}
	clocks := keeper.Clocks(seen)
	if diff := cmp.Diff(clocks, keeper.Clocks(seen)); diff != "" {
		t.Errorf("asked again the clocks differ:\n%s", diff)
	}
	if n := len(h.recorder.take()); n > 0 {
		t.Errorf("%d requests were sent to tell the time", n)
	}
	names := map[providers.ClockName]bool{}
	for _, c := range clocks {
		checkClock(t, c)
		if names[c.Name] {
			t.Errorf("two clocks are named %s", c.Name)
		}
		names[c.Name] = true
	}
	if target.Spec.Static && !names[providers.StaticToken] {
		t.Errorf("the age of the static token is not among %v", clocks)
	}
}

func checkClock(t *testing.T, c providers.Clock) {
	t.Helper()
	switch {
	case !slices.Contains(providers.ClockNames, c.Name):
		t.Errorf("%q is not in providers.ClockNames", c.Name)
	case c.Since.IsZero() && c.At.IsZero():
		t.Errorf("%s neither begins nor ends", c.Name)
	case c.Human && c.At.IsZero():
		t.Errorf("%s needs a human and does not say when", c.Name)
	case !c.Since.IsZero() && !c.At.IsZero() && c.At.Before(c.Since):
		t.Errorf("%s ends before it begins", c.Name)
	}
}
