package sagi_test

import (
	"testing"

	"github.com/credsync/credsync/providers/sagi"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestWhatMustNotBeShown(t *testing.T) {
	providertest.CheckSensitive(t, sagi.Spec(), providertest.Sensitive{
		Secret: "password license_key", Public: "phone", Outputs: "access_token", Withheld: "",
	})
}
