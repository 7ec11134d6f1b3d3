package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/certificates"
)

// presented is an account of a description whose shops log in by certificate.
const presented = `
variable "shops" { type = map(object({ certificate = string, key = string })) }
sink "file" "main" { dir = "out" }
%s
  for_each = var.shops
  base_url = "https://api.acme.example"
  certificate {
    cert_pem = each.value.certificate
    key_pem  = each.value.key
  }
  %s
  deliver "file" "main" { path = "${each.key}.json" }
}
`

const certificateLogin = `
  login {
    request {
      method = "POST"
      path   = "/login"
      json   = { by = self.certificate == null ? "password" : "certificate" }
    }
    access_token = response.body.token
    lifetime     = "1h"
    outputs      = { certificate_expires_at = try(self.certificate.expires_at, null) }
  }
  verify { by = "answer" }
  output "certificate_expires_at" {
    type      = string
    sensitive = false
  }
`

const certificateUpstream = `upstream "acme" {
  base_url           = "https://api.acme.example"
  client_certificate = "required"
` + certificateLogin + `}
account "acme" "shops" {`

// Each account has a certificate of its own, be its description in a block of its own or in
// the account, and the certificate is part of the login.
func TestAccountsOfADescriptionHaveClientCertificates(t *testing.T) {
	one, other := certificates.New(t, "one", certificates.ECDSA(t), nil), certificates.New(t, "two", certificates.ECDSA(t), nil)
	shop := func(c certificates.Certificate) string {
		return fmt.Sprintf("{ certificate = %q, key = %q }", c.PEM(), certificates.PKCS8(t, c.Key))
	}
	shops := fmt.Sprintf("{ one = %s, other = %s }", shop(one), shop(other))
	given := withEnv(map[string]string{"CREDSYNC_VAR_shops": shops})
	for name, src := range map[string]string{
		"upstream": fmt.Sprintf(presented, certificateUpstream, ""),
		"http":     fmt.Sprintf(presented, `account "http" "shops" {`, certificateLogin),
		"static": fmt.Sprintf(presented, `account "static" "shops" {`, `
  token = "Zq81kd"
  verify {
    request { path = "/me" }
  }`),
	} {
		t.Run(name, func(t *testing.T) {
			accounts := load(t, src, given).Accounts
			if len(accounts) != 2 {
				t.Fatalf("%d accounts", len(accounts))
			}
			for i, want := range []certificates.Certificate{one, other} {
				cert, err := accounts[i].Spec.ClientCertificate(accounts[i].Values)
				if err != nil || !cert.Leaf.Equal(want.X509) {
					t.Errorf("%s has another certificate: %v", accounts[i].Address, err)
				}
				for _, row := range accounts[i].Values.Nested("certificate")[0].Block().Attributes {
					if row.Effect != schema.ShapesLogin {
						t.Errorf("%s is no part of the login", row.Name)
					}
				}
			}
			plain := strings.ReplaceAll(src, "https://api.acme.example\"\n  certificate", "http://127.0.0.1:1\"\n  certificate")
			if got := text(problems(t, plain, given)); !strings.Contains(got, "works only with an https:// address") {
				t.Errorf("without TLS: %s", got)
			}
		})
	}
}
