package config_test

import (
	"testing"
	"time"

	"github.com/credsync/credsync/providers"
)

// The accounts of a static upstream say when a person has to replace their token.
func TestAStaticUpstreamRemindsOfItsTokens(t *testing.T) {
	c := load(t, `
upstream "acme" {
  base_url = "https://api.acme.example"
  attribute "api_key" {
    type      = string
    sensitive = true
  }
  static { access_token = self.api_key }
  verify { by = "answer" }
}
sink "file" "main" { dir = "out" }
account "acme" "shop" {
  api_key      = sensitive("Zq81kd")
  remind_after = "90d"
  deliver "file" "main" { path = "a.json" }
}
`)
	a := c.Accounts[0]
	p, err := a.Spec.New(a.Values, providers.Env{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	first := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	seen := providers.Seen{FirstAt: first}
	clocks := p.(providers.Timekeeper).Clocks(seen)
	if len(clocks) != 1 || !clocks[0].At.Equal(first.AddDate(0, 0, 90)) || !clocks[0].Human {
		t.Errorf("the clocks are %+v", clocks)
	}
	found := p.(providers.Inspector).Inspect(first.AddDate(0, 0, 100), seen)
	if len(found) != 1 || found[0].Attribute != "api_key" {
		t.Errorf("found %+v", found)
	}
}
