package invoicebox_test

import (
	"testing"

	"github.com/credsync/credsync/providers/invoicebox"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestRowsThatMatterElsewhere(t *testing.T) {
	providertest.CheckRows(t, invoicebox.Spec(), providertest.Rows{
		Required: "token", Endpoints: "base_url",
	})
}
