// Package storm lets several runners work on hundreds of accounts while a share
// of everything that they ask for goes wrong, and checks the promises all the
// while by what the servers saw.
package storm

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/sandbox"
)

const (
	// lifetime of every token; rotateBefore of every account.
	lifetime     = 10 * time.Hour
	rotateBefore = "1h"
	// tillDue is from a token's issue until it is due for certain.
	tillDue = 9*time.Hour + 30*time.Minute
)

// account is one of the many.
type account struct {
	provider string
	// key is its label, its login and the prefix of its requests.
	key string
	// wrong says that its password is; foreign that somebody else has its first
	// target.
	wrong, foreign bool
}

func (a account) address() string { return "account." + a.provider + "." + a.key }

// makeAccounts returns n accounts, of every provider in turn: some with a wrong
// password, some with a target of somebody else's.
func makeAccounts(n int) []account {
	types := []string{"sagi", "bifit_kassa", "bereke", "astana_plat", "invoicebox"}
	var list []account
	for i := range n {
		list = append(list, account{
			provider: types[i%len(types)], key: fmt.Sprintf("a%03d", i),
			wrong: i%10 == 7 || i%20 == 11, foreign: i%10 == 3,
		})
	}
	return list
}

// login is the name that the upstream knows it by.
func (a account) login() string {
	if a.provider == "bifit_kassa" {
		return "7" + strings.Repeat("0", 7) + a.key[1:]
	}
	return a.key
}

func (a account) token() string { return fmt.Sprintf("%032x", "token-"+a.key)[:32] }

// upstream is the account as its upstream has it.
func (a account) upstream() sandbox.Account {
	s := sandbox.Account{
		Upstream:      a.provider,
		Name:          a.login(),
		Password:      "secret-" + a.key,
		TokenLifetime: sandbox.Duration(lifetime),
	}
	switch a.provider {
	case "sagi":
		s.Sagi = &sandbox.SagiAccount{OrganizationID: "1", Role: "administrator", Branches: []sandbox.SagiBranch{
			{ID: json.Number("1" + a.key[1:]), Name: "Branch", GroupID: "7", SubscriptionActive: true},
		}}
	case "bifit_kassa":
		s.BifitKassa = &sandbox.BifitKassaAccount{UserID: "1"}
	case "bereke":
		s.Bereke = &sandbox.BerekeAccount{UserID: "1", Role: "ANONYMOUS", Customers: []sandbox.BerekeCustomer{{ID: "1", Name: "Shop"}}}
	case "astana_plat":
		s.AstanaPlat = &sandbox.AstanaPlatAccount{}
	case "invoicebox":
		s.Password, s.Token = "", a.token()
		s.Invoicebox = &sandbox.InvoiceboxAccount{UserID: "u"}
	}
	return s
}

// block is its account block, with the deliver blocks given. Its requests tell
// by the user of the proxy which run they are of: headers are part of what a
// login is, and may not change from one to the next.
func (a account) block(upstreams, deliver string) string {
	password := "secret-" + a.key
	if a.wrong {
		password = "wrong-" + a.key
	}
	base := fmt.Sprintf("%s/%s/%s", upstreams, a.key, a.provider)
	attributes := map[string]string{
		"sagi":        fmt.Sprintf("phone = %q\n  password = %q", a.login(), password),
		"bifit_kassa": fmt.Sprintf("username = %q\n  password = %q\n  verify_path = \"/organizations\"", a.login(), password),
		"bereke":      fmt.Sprintf("username = %q\n  password = %q\n  public_key_url = %q", a.login(), password, base+"/auth/public-key"),
		"astana_plat": fmt.Sprintf("login = %q\n  password = %q", a.login(), password),
		"invoicebox":  fmt.Sprintf("token = %q", a.token()),
	}[a.provider]
	rotate := ""
	if a.provider != "invoicebox" {
		rotate = fmt.Sprintf("rotate_before = %q", rotateBefore)
	} else if a.wrong {
		attributes = fmt.Sprintf("token = %q", strings.Repeat("f", 32))
	}
	return fmt.Sprintf("account %q %q {\n  base_url = %q\n  %s\n  %s\n  http {\n    proxy = var.run == \"\" ? null : var.run\n  }\n%s}\n",
		a.provider, a.key, base, attributes, rotate, deliver)
}
