package engine_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
)

func TestPatternsNameAccounts(t *testing.T) {
	const coffee, almaty, odd = "account.sagi.coffee", `account.sagi.shop["almaty"]`, `account.bank.shop["kz/a.b[1]*"]`
	tests := map[string][]string{
		// as it stands, with and without "account."
		"account.sagi.coffee":           {coffee},
		"sagi.coffee":                   {coffee},
		`sagi.shop["almaty"]`:           {almaty},
		`bank.shop["kz/a.b[1]*"]`:       {odd},
		"sagi.shop[almaty]":             {almaty},
		"sagi.shop":                     {almaty},
		"sagi.cof":                      nil,
		"coffee":                        nil,
		"":                              nil,
		"*":                             nil,
		"sagi.":                         nil,
		`sagi.shop["almaty"`:            nil,
		`sagi.coffee["almaty"]`:         nil,
		"account.account.sagi.coffee":   nil,
		"*.*":                           {coffee, almaty, odd},
		"account.*.*":                   {coffee, almaty, odd},
		"sagi.*":                        {coffee, almaty},
		"*.shop":                        {almaty, odd},
		"*.s?op":                        {almaty, odd},
		"*.sh?p?":                       nil,
		"s*":                            nil,
		"sagi*coffee":                   nil,
		`*.*["*"]`:                      {almaty, odd},
		"*.*[*]":                        {almaty, odd},
		`*.shop["al*"]`:                 {almaty},
		`*.shop["kz/*"]`:                {odd},
		`*.shop["*[1]?"]`:               {odd},
		`sagi.shop["[a]lmaty"]`:         {},
		`sagi.shop["almaty\d"]`:         nil,
		"sa.i.coffee":                   nil,
		"(sagi|bank).*":                 nil,
		`bank.shop["kz/a.b[1]*"] `:      nil,
		"sagi.*\n":                      nil,
		`account.sagi.shop["almat?"]`:   {almaty},
		`account.sagi.shop["almaty?*"]`: nil,
	}
	for pattern, want := range tests {
		var got []string
		for _, address := range []string{coffee, almaty, odd} {
			if engine.MatchAddress(pattern, address) {
				got = append(got, address)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q names %q, want %q", pattern, got, want)
		}
	}
}

func TestPatternsLimitAPlan(t *testing.T) {
	w := newWorld(t, `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
account "fake" "a" {
  for_each = toset(["almaty", "astana", "berlin"])
  user     = each.key
  password = "pw"
  deliver "memory" "main" { path = each.key }
}
`)
	w.expectOf(engine.Request{Targets: []string{`*.a["a*"]`, `fake.a["almaty"]`}},
		`a["almaty"] issue no_token`, `a["astana"] issue no_token`)
	w.mustApply()
	w.expectOf(engine.Request{Replace: []string{`fake.a["*n"]`}},
		`a["almaty"] none current`, `a["astana"] none current`, `a["berlin"] reissue forced`)
	p := w.plan(engine.Request{Targets: []string{"fake.a*", `fake.a["c*"]`}})
	if len(p.Accounts) > 0 || len(p.Diagnostics) != 1 || !strings.Contains(p.Diagnostics[0].Detail, `--target fake.a["c*"] names no account`) {
		t.Errorf("a pattern that names nothing: %d accounts, %+v", len(p.Accounts), p.Diagnostics)
	}
}

func TestAddressesAreTypedWithoutWhatShellsTake(t *testing.T) {
	for given, want := range map[string]string{
		"sagi.coffee":                  "account.sagi.coffee",
		"account.sagi.coffee":          "account.sagi.coffee",
		"sagi.shop[almaty]":            `account.sagi.shop["almaty"]`,
		`sagi.shop["almaty"]`:          `account.sagi.shop["almaty"]`,
		`account.bank.shop["kz/a[1]"]`: `account.bank.shop["kz/a[1]"]`,
		"bank.shop[kz/a[1]]":           `account.bank.shop["kz/a[1]"]`,
		`bank.shop["say \"hi\""]`:      `account.bank.shop["say \"hi\""]`,
		"":                             "account.",
		"sagi.shop[almaty":             "account.sagi.shop[almaty",
	} {
		if got := engine.FullAddress(given); got != want {
			t.Errorf("%q is %s, want %s", given, got, want)
		}
	}
}
