package notify_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/credsync/credsync/notify"
	"github.com/google/go-cmp/cmp"
)

// variables are what the examples take for granted.
const variables = `
variable "slack_url" {
  default   = "https://hooks.slack.com/services/T0/B0/x"
  sensitive = true
}
variable "telegram_token" {
  default   = "1:x"
  sensitive = true
}
`

// Every example of docs/notifications.md is loaded and sends what it says.
func TestExamplesInTheDocsSendWhatTheirReceiversTake(t *testing.T) {
	b, err := os.ReadFile("../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) map[string]any { return map[string]any{"text": s} }
	want := map[string]any{
		"oncall":   text(blocked.Summary),
		"slack":    text("*blocked* " + blocked.Summary + "\nCorrect it."),
		"telegram": map[string]any{"chat_id": "-1001234567890", "text": blocked.Summary},
		"alertmanager": []any{map[string]any{
			"labels":      map[string]any{"alertname": "credsync_trouble", "project": "payments", "account": "account.sagi.coffee"},
			"annotations": map[string]any{"summary": blocked.Summary, "kind": "blocked", "reason": "credentials_rejected", "remedy": "Correct it."},
			"startsAt":    "2026-03-01T11:00:00Z", "endsAt": "2027-03-01T12:00:00Z",
		}},
	}
	examples := regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(b), -1)
	if len(examples) != len(want) {
		t.Fatalf("%d examples", len(examples))
	}
	address := regexp.MustCompile(`(?m)^  url +=.*$`)
	for _, e := range examples {
		url, got := serve(t, 200)
		name := strings.TrimPrefix(block(t, variables+e[1], nil).Name, "webhook.")
		n := block(t, variables+address.ReplaceAllString(e[1], `  url = "`+url+`"`), nil)
		if err := notify.New("1").Send(t.Context(), n, blocked); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var sent any
		if err := json.Unmarshal([]byte((<-got).body), &sent); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[name], sent); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}
