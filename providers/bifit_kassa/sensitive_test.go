package bifit_kassa_test

import (
	"testing"

	"github.com/credsync/credsync/providers/bifit_kassa"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestWhatMustNotBeShown(t *testing.T) {
	providertest.CheckSensitive(t, bifit_kassa.Spec(), providertest.Sensitive{
		Secret: "password password_hash client_secret", Public: "username client_id", Outputs: "access_token refresh_token", Withheld: "refresh_token",
	})
}
