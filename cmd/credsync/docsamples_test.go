//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// follow follows one part of the page, like a guide.
func (g *guide) follow(part string) {
	g.part = part
	g.run()
}

// reported is the configuration of the samples of docs/status.md.
const reported = `credsync {
  project  = "payments"
  schedule = "*/10 * * * *"
}

variable "password" {
  type      = string
  sensitive = true
}

variable "token" {
  type      = string
  sensitive = true
}

sink "file" "secrets" {
  dir = "secrets"
}

account "sagi" "milk" {
  phone    = "milk@example.com"
  password = var.password

  deliver "file" "secrets" {
    path = "milk.json"
  }
}

account "invoicebox" "main" {
  token        = var.token
  remind_after = "90d"

  deliver "file" "secrets" {
    path = "main.json"
  }
}

account "sagi" "coffee" {
  phone    = "business_user@example.com"
  password = var.password

  deliver "file" "secrets" {
    path = "coffee.json"
  }

  deliver "file" "secrets" {
    path   = "coffee.env"
    format = "dotenv"
  }
}
`

// tooSlow has a schedule that does not serve its account.
const tooSlow = `credsync {
  project  = "payments"
  schedule = "0 * * * *"
}

variable "password" {
  type      = string
  sensitive = true
}

account "bereke" "main" {
  username       = "company"
  password       = var.password
  public_key_url = "https://api-test.berekebank.kz/key"
}
`

// The samples of docs/status.md are what the commands print: of an account whose
// login was rejected the day before, of a static token that ends soon, and of one
// that is current. With -update they are written.
func TestTheSamplesOfTheStatusPage(t *testing.T) {
	g := newGuide(t, "../status.md")
	g.env["CREDSYNC_VAR_password"], g.env["CREDSYNC_VAR_token"] = password, apiToken
	g.block("hcl main.hcl", reported)
	g.block("sh", "credsync apply --auto-approve --target invoicebox.main\n")
	g.advance([]string{"79d"})
	g.block("console exit=3", "$ credsync apply --auto-approve --target sagi.milk\n…\n")
	g.advance([]string{"26h"})
	g.block("sh", "credsync apply --auto-approve --target sagi.coffee\n")
	g.follow("The status of every account")
	g.follow("For monitoring: `--exit-code`")

	g.block("hcl main.hcl", tooSlow)
	g.follow("A schedule that is too slow")
}

// notified is the configuration of the sample of docs/notifications.md.
const notified = `credsync {
  project = "payments"
}

variable "slack_url" {
  type      = string
  sensitive = true
}

notify "webhook" "slack" {
  url = var.slack_url
}

notify "webhook" "alertmanager" {
  url  = "https://alertmanager.internal/api/v2/alerts"
  body = [{ labels = { alertname = "credsync" } }]
}
`

// The sample of docs/notifications.md is what the command prints of one webhook that
// accepts the message and one that does not understand it. With -update it is written.
func TestTheSampleOfTheNotificationsPage(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /api/v2/alerts", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	hooks := httptest.NewServer(mux)
	t.Cleanup(hooks.Close)

	g := newGuide(t, "../notifications.md")
	g.real["https://alertmanager.internal"] = hooks.URL
	g.env["CREDSYNC_VAR_slack_url"] = hooks.URL + "/slack"
	g.block("hcl main.hcl", notified)
	g.follow("Trying it")
}

// recorded is the configuration of the line of docs/audit.md.
const recorded = `credsync {
  project = "payments"
}

variable "password" {
  type      = string
  sensitive = true
}

audit {
  path = "audit.jsonl"
}

sink "file" "secrets" {
  dir = "secrets"
}

account "sagi" "coffee" {
  phone    = "business_user@example.com"
  password = var.password

  deliver "file" "secrets" {
    path = "coffee.json"
  }
}
`

// The line of docs/audit.md is that of a rejected login, except for what differs in
// each run.
func TestTheLineOfTheAuditPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	g := newGuide(t, "../audit.md")
	g.env["CREDSYNC_VAR_password"] = wrongPassword
	g.block("hcl main.hcl", recorded)
	g.block("console exit=3", "$ credsync apply --auto-approve\n…\n")
	printed, _ := g.shell("tail -n 1 audit.jsonl")

	shown, got := map[string]any{}, map[string]any{}
	if err := json.Unmarshal([]byte(codeBlock(t, string(page), "# Audit trail\n", "```json\n")), &shown); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(printed), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"time", "id", "holder"} {
		got[name] = shown[name]
	}
	if diff := cmp.Diff(got, shown); diff != "" {
		t.Errorf("docs/audit.md shows another line than was written (-written +shown):\n%s", diff)
	}
}

// codeBlock returns the content of the first block below a heading that begins with
// fence.
func codeBlock(t *testing.T, page, heading, fence string) string {
	t.Helper()
	_, part, _ := strings.Cut(page, heading)
	_, rest, begins := strings.Cut(part, fence)
	block, _, ends := strings.Cut(rest, "```\n")
	if !begins || !ends {
		t.Fatalf("no block begins with %q below %q", fence, heading)
	}
	return block
}

// worked is the configuration of the log of docs/daemon.md.
const worked = `credsync {
  project = "shop"
}

variable "password" {
  type      = string
  sensitive = true
}

variable "bank_password" {
  type      = string
  sensitive = true
}

variable "key_url" {
  type = string
}

sink "file" "secrets" {
  dir = "secrets"
}

account "sagi" "coffee" {
  phone    = "business_user@example.com"
  password = var.password

  deliver "file" "secrets" {
    path = "coffee.json"
  }
}

account "bereke" "main" {
  username       = "test"
  password       = var.bank_password
  public_key_url = var.key_url

  deliver "file" "secrets" {
    path = "bereke.json"
  }
}

account "bifit_kassa" "till" {
  username = "79007654321"
  password = var.password

  deliver "file" "secrets" {
    path = "till.json"
  }
}
`

// runUntilDone runs the daemon until it has worked on three accounts.
const runUntilDone = `: >log
credsync run 2>>log &
for _ in $(seq 300); do
  [ "$(grep -c 'refreshed:\|failed:\|needs a human:' log)" -lt 3 ] || break
  sleep 0.1
done
kill $!
wait $!
`

// Each line of docs/daemon.md is one that the daemon logs, up to its message, which
// the page leaves out.
func TestTheLogOfTheDaemonPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/daemon.md")
	if err != nil {
		t.Fatal(err)
	}
	g := newGuide(t, "../daemon.md")
	g.env["CREDSYNC_VAR_password"], g.env["CREDSYNC_VAR_bank_password"] = password, bankPassword
	g.env["CREDSYNC_VAR_key_url"] = g.sandbox.URL("bereke") + "/auth/public-key"
	g.block("hcl main.hcl", worked)
	g.block("sh", "credsync apply --auto-approve --target sagi.coffee --target bereke.main\n")
	g.advance([]string{"28d"})
	g.words["fault"]([]string{`{"kind": "reset", "upstream": "bereke", "op": "login"}`})
	g.block("sh", runUntilDone)
	log, err := os.ReadFile(filepath.Join(g.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	logged := passing.ReplaceAllString(string(log), "?")
	for line := range strings.Lines(codeBlock(t, string(page), "## The log\n", "```\n")) {
		known, _, _ := strings.Cut(strings.TrimSpace(line), `message="`)
		if !strings.Contains(logged, passing.ReplaceAllString(known, "?")) {
			t.Errorf("the daemon did not log\n%s\nbut\n%s", line, log)
		}
	}
}
