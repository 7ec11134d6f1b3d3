package invoicebox_test

import (
	"testing"

	"github.com/credsync/credsync/providers/invoicebox"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestWhatMustNotBeShown(t *testing.T) {
	providertest.CheckSensitive(t, invoicebox.Spec(), providertest.Sensitive{
		Secret: "token", Public: "", Outputs: "access_token", Withheld: "",
	})
}
