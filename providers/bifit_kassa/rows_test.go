package bifit_kassa_test

import (
	"testing"

	"github.com/credsync/credsync/providers/bifit_kassa"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestRowsThatMatterElsewhere(t *testing.T) {
	providertest.CheckRows(t, bifit_kassa.Spec(), providertest.Rows{
		Required: "username", Endpoints: "base_url",
		AddedLater: "password_hash",
	})
}
