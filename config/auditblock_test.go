package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/credsync/credsync/config"
)

func TestAuditTrailBeginsAtTheConfiguration(t *testing.T) {
	for path, want := range map[string]config.Audit{
		"audit.jsonl":       {Path: "DIR/audit.jsonl"},
		"logs/audit.jsonl":  {Path: "DIR/logs/audit.jsonl"},
		"/var/log/a.jsonl":  {Path: "/var/log/a.jsonl"},
		"-":                 {Stream: true},
		"${\"a\"}-${1}.log": {Path: "DIR/a-1.log"},
	} {
		c := load(t, `audit { path = "`+path+`" }`)
		got := *c.Audit
		got.Range = nil
		got.Path = strings.Replace(got.Path, filepath.Clean(c.Dir), "DIR", 1)
		if got != want {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if c := load(t, `locals {}`); c.Audit != nil {
		t.Errorf("without a block there is %+v", c.Audit)
	}
}

func TestAuditTrailMustBeKnownAndNoSecret(t *testing.T) {
	const data = `
data "vault" "a" {
  sink = "main"
  path = "inputs"
}
sink "vault" "main" { address = "https://vault.test" }
`
	for src, want := range map[string]string{
		`audit { path = "" }`:                   "the value is empty",
		`audit {}`:                              `The argument "path" is required`,
		`audit { path = sensitive("t.jsonl") }`: "Sensitive value not allowed here",
		`audit { path = nonsensitive(data.vault.a.x) }` + data: "must not depend on data",
	} {
		if got := text(problems(t, src)); !strings.Contains(got, want) {
			t.Errorf("%s: %s", src, got)
		}
	}
}
