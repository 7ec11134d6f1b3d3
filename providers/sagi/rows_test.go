package sagi_test

import (
	"testing"

	"github.com/credsync/credsync/providers/sagi"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestRowsThatMatterElsewhere(t *testing.T) {
	providertest.CheckRows(t, sagi.Spec(), providertest.Rows{
		Required: "phone password", Endpoints: "base_url",
	})
}
