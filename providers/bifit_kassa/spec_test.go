package bifit_kassa_test

import (
	"testing"

	"github.com/credsync/credsync/providers/bifit_kassa"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestAttributeChecks(t *testing.T) {
	accepted := [][2]string{
		{"username", "79001234567"},
		{"base_url", "https://kassa.bifit.com/cashdesk-api/v1"},
		{"verify_path", "/organizations"},
		{"verify_path", "/users/me"},
	}
	refused := [][2]string{
		{"username", "+79001234567"},
		{"username", "89001234567"},
		{"username", "7900123456"},
		{"username", "790012345678"},
		{"username", "7 900 123-45-67"},
		{"username", "79001234567\n"},
		{"username", ""},
		{"password", ""},
		{"client_id", ""},
		{"client_secret", ""},
		{"base_url", "https://kassa.bifit.com/cashdesk-api/v1?x=y"},
		{"verify_path", "organizations"},
		{"verify_path", "/organizations?token=x"},
		{"verify_path", "/organizations#x"},
		{"verify_path", "/a/../oauth/token"},
		{"verify_path", "//example.com"},
		{"verify_path", ""},
	}
	providertest.CheckAttributes(t, bifit_kassa.Spec(), accepted, refused)
}
