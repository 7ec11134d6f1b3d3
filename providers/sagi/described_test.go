package sagi_test

import (
	"testing"

	"github.com/credsync/credsync/testkit/providertest"
	"github.com/credsync/credsync/testkit/upstreamfile"
)

// described is the target by its description.
func described(t *testing.T) providertest.Target {
	t.Helper()
	d := target()
	d.Spec = upstreamfile.Spec(t, "testdata/described.hcl", d.Spec.Name)
	// Objects are sent in the order of their names.
	d.Requests[0].Body = `{"license_key":"license-0123456789","password":"pa\"ss wörd\\\u003c\u0026\u003e","phone":"business_user@example.com"}`
	// What is not taken is named as in the description, not as in the answer.
	for body, field := range d.Odd {
		switch field {
		case "expire":
			d.Odd[body] = "expires_at"
		case "organization.role":
			d.Odd[body] = "role"
		case "code":
			d.Odd[body] = "response.outer.code"
		case "organization", "organization.branches_details":
			d.Odd[body] = "response.body." + field
		case "organization.branches[0]", "organization.branches[1]":
			d.Odd[body] = "branches"
		}
	}
	// A Unix time is one that the language reads.
	d.Odd[`{"access_token":"x","expire":1790000000}`] = ""
	// A whole number is a text as it was written.
	d.Odd[`{"access_token":"x","organization":{"role":7,"branches":[1]}}`] = ""
	return d
}

// The language of upstream blocks can say what this provider does.
func TestADescriptionOfItConforms(t *testing.T) {
	providertest.Run(t, described(t))
	providertest.RunAnswers(t, described(t), answers())
}
