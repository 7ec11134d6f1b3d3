package upstream_test

import (
	"strings"
	"testing"
)

func TestIdentifiersKeepEveryDigit(t *testing.T) {
	for _, c := range []struct {
		json, want string
		ok         bool
	}{
		{`9876543210987654321`, "9876543210987654321", true},
		{`123456789012345678901234567890`, "123456789012345678901234567890", true},
		{`"9876543210987654321"`, "9876543210987654321", true},
		{`0`, "0", true},
		{`null`, "", true},
		{`1.5`, "", false},
		{`1e3`, "", false},
		{`-1`, "", false},
		{`""`, "", false},
		{`"a1"`, "", false},
		{`"` + strings.Repeat("1", 65) + `"`, "", false},
		{`true`, "", false},
		{`{}`, "", false},
	} {
		t.Run(c.json, func(t *testing.T) {
			var w wire
			err := answer(t, "application/json", `{"id":`+c.json+`}`).JSON(&w)
			if (err == nil) != c.ok || string(w.ID) != c.want {
				t.Errorf("got %q, %v", w.ID, err)
			}
			if err != nil && !strings.Contains(err.Error(), `"id"`) {
				t.Errorf("the field is not named: %v", err)
			}
		})
	}
}
