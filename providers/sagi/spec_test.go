package sagi_test

import (
	"testing"

	"github.com/credsync/credsync/providers/sagi"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestAttributeChecks(t *testing.T) {
	accepted := [][2]string{
		{"phone", "business_user@example.com"},
		{"branch_id", "98765432109876543210"},
		{"base_url", "https://gateway.sagi.kz"},
	}
	refused := [][2]string{
		{"phone", ""},
		{"password", ""},
		{"license_key", ""},
		{"branch_id", ""},
		{"branch_id", "1.5e3"},
		{"branch_id", "../organizations"},
		{"base_url", "https://gateway.sagi.kz?x=y"},
	}
	providertest.CheckAttributes(t, sagi.Spec(), accepted, refused)
}
