package credential

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLifetimeOfAToken(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for want, tok := range map[time.Duration]Token{0: {IssuedAt: at},
		time.Hour: {IssuedAt: at, ExpiresAt: at.Add(time.Hour)}} {
		if got := tok.Lifetime(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// What an upstream did not say again stays as it was.
func TestNewerOutputsAreLaidOverOlderOnes(t *testing.T) {
	old := Outputs{"kept": "a", "new": "b", "said": true}
	got := old.Merge(Outputs{"new": "c", "kept": nil, "more": []string{"x"}})
	if got.String("kept") != "a" || got.String("new") != "c" || got["said"] != true || !slices.Equal(got.Names(), []string{"kept", "more", "new", "said"}) {
		t.Errorf("%v", got)
	}
	if old.String("new") != "b" || len(old) != 3 {
		t.Errorf("the older ones were changed: %v", old)
	}
	if got := (Outputs)(nil).Merge(Outputs{"a": "b"}); got.String("a") != "b" {
		t.Errorf("%v", got)
	}
	if got.String("said") != "" || got.String("none") != "" {
		t.Error("what is no string is read as one")
	}
}

func TestOutputsHaveTheirTypes(t *testing.T) {
	good := Outputs{"a": nil, "b": "x", "c": true, "d": []string{"x"}, "e": []map[string]string{{"a": "b"}}, "f": NewSecret("x")}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, wrong := range []any{7, 1.5, []int{1}, map[string]string{"a": "hunter2"}, []byte("hunter2")} {
		err := Outputs{"a": "x", "odd": wrong}.Check()
		if err == nil || !strings.Contains(err.Error(), `"odd"`) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%T: %v", wrong, err)
		}
	}
}
