//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
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
