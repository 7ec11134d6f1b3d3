package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema"
	"github.com/google/go-cmp/cmp"
)

func event() config.Event {
	return config.Event{
		Kind: "blocked", Topic: "account", Project: "payments", Address: "account.bank.a", Provider: "bank", Name: "a", Description: "The <shop>", Contact: "x@example.com",
		Reason: "needs_code", Summary: "a needs a code", Message: "It needs a code.", Remedy: "Log in.", Failures: 3,
		Time: time.Date(
			2026,
			1,
			2,
			3,
			4,
			5,
			6,
			time.FixedZone("", 3600),
		), Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func TestBodiesOfNotifications(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"none":       {"", `{"text":"a needs a code"}`},
		"text":       {`body = "${event.kind}: ${event.failures}"`, "blocked: 3"},
		"an object":  {`body = { b = event.description, a = [event.time, event.since, event.deadline] }`, `{"a":["2026-01-02T02:04:05Z","2026-01-01T00:00:00Z",null],"b":"The <shop>"}`},
		"all fields": {`body = join(",", [event.topic, event.project, event.address, event.provider, event.name, event.contact, event.reason, event.message, event.remedy])`, "account,payments,account.bank.a,bank,a,x@example.com,needs_code,It needs a code.,Log in."},
		"a secret":   {`body = { chat = var.chat, text = event.summary }`, `{"chat":"key","text":"a needs a code"}`},
		"number":     {`body = event.failures`, "3"},
	} {
		c1 := load(t, "variable \"chat\" {\n default = \"key\"\n sensitive = true\n}\nnotify \"webhook\" \"x\" {\n url = \"https://hooks.example.com\"\n "+c.body+"\n}\n")
		got, list := c1.Notify[0].Render(event())
		if diff := cmp.Diff(c.want, got.Reveal()); diff != "" || len(list) > 0 {
			t.Errorf("%s: %s%s", name, diff, text(list))
		}
	}
}

func TestBodiesThatCannotBeMade(t *testing.T) {
	const data = "data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\n"
	for name, c := range map[string]struct{ body, want string }{
		"of data that was not read": {`{ text = data.vault.in.text }`, "It is null, or depends on data that was not read."},
		"null for this event":       {`event.deadline`, "It is null, or depends on data that was not read."},
		"of a text that is none":    {`parseint(event.summary, 10)`, "base 10"},
	} {
		c1 := load(t, vaultSink+data+"notify \"webhook\" \"x\" {\n url = \"https://hooks.example.com\"\n body = "+c.body+"\n}\n")
		body, list := c1.Notify[0].Render(event())
		if !body.IsZero() || len(list) != 1 || !strings.Contains(list[0].Detail, c.want) ||
			list[0].Address != "notify.webhook.x" ||
			list[0].Range == nil {
			t.Errorf("%s: %s", name, text(list))
		}
	}
}

func TestWhatABlockWantsToBeToldOf(t *testing.T) {
	c := load(t, `
notify "webhook" "some" {
  url             = "https://hooks.example.com"
  on              = ["expiring"]
  after_failures  = 5
  expiring_within = "2h"
}
notify "webhook" "all" {
  url = "https://hooks.example.com"
}
`)
	if len(c.Notify) != 2 || c.Notify[0].Name != "webhook.all" || c.Notify[1].Name != "webhook.some" {
		t.Fatalf("%+v", c.Notify)
	}
	all, some := c.Notify[0], c.Notify[1]
	for _, kind := range schema.EventKinds {
		if !all.Wants(kind) || some.Wants(kind) != (kind == "expiring") {
			t.Errorf("%s: all %t, some %t", kind, all.Wants(kind), some.Wants(kind))
		}
	}
	if all.Wants("test") || some.AfterFailures != 5 || some.Within != 2*time.Hour || some.Range.Start.Line != 2 {
		t.Errorf("%+v", some)
	}
	// A block that depends on what was not read is left out, and so is what it says.
	if c := load(t, vaultSink+"data \"vault\" \"in\" {\n sink = \"main\"\n path = \"in\"\n}\nnotify \"webhook\" \"x\" {\n url = data.vault.in.url\n}\n"); len(c.Notify) != 0 {
		t.Errorf("%+v", c.Notify)
	}
}
