package upstream_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/credsync/credsync/internal/upstream"
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
		{`"7"`, "7", true},
		{`"` + strings.Repeat("1", 64) + `"`, strings.Repeat("1", 64), true},
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
			var id upstream.ID
			err := json.Unmarshal([]byte(c.json), &id)
			if (err == nil) != c.ok || string(id) != c.want {
				t.Errorf("got %q, %v", id, err)
			}
		})
	}
}

func TestGiven(t *testing.T) {
	for raw, want := range map[string]bool{"": false, "null": false, "{}": true, "0": true, `""`: true} {
		if upstream.Given(json.RawMessage(raw)) != want {
			t.Errorf("%q", raw)
		}
	}
}

func TestTheNumberZeroIsNoIdentifier(t *testing.T) {
	for id, want := range map[upstream.ID]bool{"": true, "0": true, "000": true, "1": false, "10": false, "01": false} {
		if id.IsZero() != want {
			t.Errorf("%q", id)
		}
	}
}
