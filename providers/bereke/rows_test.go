package bereke_test

import (
	"testing"

	"github.com/credsync/credsync/providers/bereke"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestRowsThatMatterElsewhere(t *testing.T) {
	providertest.CheckRows(t, bereke.Spec(), providertest.Rows{
		Required: "username password base_url", Endpoints: "base_url public_key_url",
		AddedLater: "public_key_field public_key_id mgf1_digest path grant_type user_type ignore_possible_chains",
	})
}
