package bifit_kassa_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/providers/bifit_kassa"
	"github.com/zclconf/go-cty/cty"
)

func TestAttributeChecks(t *testing.T) {
	for _, c := range []struct {
		attribute, value string
		ok               bool
	}{
		{"username", "79001234567", true},
		{"username", "+79001234567", false},
		{"username", "89001234567", false},
		{"username", "7900123456", false},
		{"username", "790012345678", false},
		{"username", "7 900 123-45-67", false},
		{"username", "79001234567\n", false},
		{"username", "", false},
		{"password", "", false},
		{"client_id", "", false},
		{"client_secret", "", false},
		{"base_url", "https://kassa.bifit.com/cashdesk-api/v1", true},
		{"base_url", "https://kassa.bifit.com/cashdesk-api/v1?x=y", false},
		{"verify_path", "/organizations", true},
		{"verify_path", "/users/me", true},
		{"verify_path", "organizations", false},
		{"verify_path", "/organizations?token=x", false},
		{"verify_path", "/organizations#x", false},
		{"verify_path", "/a/../oauth/token", false},
		{"verify_path", "//example.com", false},
		{"verify_path", "", false},
	} {
		t.Run(c.attribute+" "+c.value, func(t *testing.T) {
			a, _ := bifit_kassa.Spec().Block().Attribute(c.attribute)
			err := a.Check(cty.StringVal(c.value))
			if (err == nil) != c.ok {
				t.Errorf("got %v, want ok = %v", err, c.ok)
			}
			if err != nil && a.Sensitive && c.value != "" && strings.Contains(err.Error(), c.value) {
				t.Error("the error quotes the value")
			}
		})
	}
}
