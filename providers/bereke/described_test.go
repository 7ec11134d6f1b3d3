package bereke_test

import (
	"testing"

	"github.com/credsync/credsync/testkit/providertest"
	"github.com/credsync/credsync/testkit/upstreamfile"
)

// described is the target by its description, without what the language cannot say. The
// tests of a published key have no target, so that these are not among its cases: a login
// is not sent a second time where the bank has replaced its key meanwhile, and a key that
// is published as a JWK cannot be read.
func described(t *testing.T) providertest.Target {
	t.Helper()
	d := target()
	d.Spec = upstreamfile.Spec(t, "testdata/described.hcl", d.Spec.Name)
	// What is not taken is named as in the description, not as in the answer.
	for body, field := range d.Odd {
		switch field {
		case "customers[0].id":
			d.Odd[body] = "customers"
		case "customers", "is_password_change", "possible_chains":
			d.Odd[body] = "response.body." + field
		}
	}
	return d
}

// The language of upstream blocks can say what this provider does.
func TestADescriptionOfItConforms(t *testing.T) {
	providertest.Run(t, described(t))
	providertest.RunAnswers(t, described(t), answers())
}
