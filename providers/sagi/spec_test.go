package sagi_test

import (
	"testing"

	"github.com/credsync/credsync/providers/sagi"
	"github.com/zclconf/go-cty/cty"
)

func TestAttributeChecks(t *testing.T) {
	for _, c := range []struct {
		attribute, value string
		ok               bool
	}{
		{"phone", "business_user@example.com", true},
		{"phone", "", false},
		{"password", "", false},
		{"license_key", "", false},
		{"branch_id", "98765432109876543210", true},
		{"branch_id", "", false},
		{"branch_id", "1.5e3", false},
		{"branch_id", "../organizations", false},
		{"base_url", "https://gateway.sagi.kz", true},
		{"base_url", "https://gateway.sagi.kz?x=y", false},
	} {
		t.Run(c.attribute+" "+c.value, func(t *testing.T) {
			a, _ := sagi.Spec().Block().Attribute(c.attribute)
			if err := a.Check(cty.StringVal(c.value)); (err == nil) != c.ok {
				t.Errorf("got %v, want ok = %v", err, c.ok)
			}
		})
	}
}
