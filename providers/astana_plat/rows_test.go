package astana_plat_test

import (
	"testing"

	"github.com/credsync/credsync/providers/astana_plat"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestRowsThatMatterElsewhere(t *testing.T) {
	providertest.CheckRows(t, astana_plat.Spec(), providertest.Rows{
		Required: "base_url", Endpoints: "base_url",
	})
}
