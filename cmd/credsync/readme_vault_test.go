//go:build acceptance && unix

package main

import (
	"context"
	"os"
	"testing"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/servers"
	"github.com/credsync/credsync/testkit/servers/binary"
)

// pictured is the configuration of the plan at the top of the README.
const pictured = `credsync {
  project = "payments"
}

sink "vault" "main" {}

state "vault" "main" {
  path = "credsync/payments"
}

data "vault" "accounts" {
  sink = "main"
  path = "inputs/accounts"
}

account "sagi" "coffee" {
  phone    = "business_user@example.com"
  password = data.vault.accounts.password

  deliver "vault" "main" {
    path = "shop/sagi"
  }
}

account "sagi" "bakery" {
  phone    = "bakery@example.com"
  password = data.vault.accounts.password

  deliver "vault" "main" {
    path = "shop/bakery"
  }
}

account "invoicebox" "billing" {
  token = data.vault.accounts.token

  deliver "vault" "main" {
    path = "shop/billing"
  }
}
`

// The plan at the top of the README is what the command prints: of a token near
// its end, one that is current, and one that the upstream has revoked. With
// -update it is written.
func TestThePlanOfTheReadme(t *testing.T) {
	program, err := binary.Find(context.Background(), binary.Vault, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	g := newGuide(t, "../../README.md")
	g.useVault(servers.DurableVault(t), program)
	if err := g.sandbox.SetAccount(sandbox.Account{
		Upstream: "sagi", Name: "bakery@example.com", Password: password,
		Sagi: &sandbox.SagiAccount{OrganizationID: "1",
			Branches: []sandbox.SagiBranch{{ID: "2", GroupID: "3", SubscriptionActive: true}}},
	}); err != nil {
		t.Fatal(err)
	}
	g.block("hcl main.hcl", pictured)
	g.block("sh", "vault kv put secret/inputs/accounts password="+password+" token="+apiToken+"\n"+
		"credsync apply --auto-approve --target sagi.coffee\n")
	g.advance([]string{"11d"})
	g.block("sh", "credsync apply --auto-approve\n")
	g.advance([]string{"410h"})
	g.sandbox.Revoke("invoicebox", "demo")
	g.part = "credsync"
	g.run()
}
