package astana_plat_test

import (
	"testing"

	"github.com/credsync/credsync/providers/astana_plat"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestWhatMustNotBeShown(t *testing.T) {
	providertest.CheckSensitive(t, astana_plat.Spec(), providertest.Sensitive{
		Secret: "password certificate.key_pem certificate.key_password certificate.pkcs12_base64 certificate.pkcs12_password", Public: "login certificate.cert_pem", Outputs: "access_token", Withheld: "",
	})
}
