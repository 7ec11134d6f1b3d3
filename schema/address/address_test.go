package address_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/schema/address"
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
		for _, a := range []string{coffee, almaty, odd} {
			if address.Match(pattern, a) {
				got = append(got, a)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q names %q, want %q", pattern, got, want)
		}
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
		if got := address.Full(given); got != want {
			t.Errorf("%q is %s, want %s", given, got, want)
		}
	}
}
