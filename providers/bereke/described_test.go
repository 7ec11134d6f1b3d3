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
	const silent = "what try() leaves out of an answer is left out without a warning"
	d.NotSaid = map[string]string{
		`{"access_token":"x","customers":[{"id":1e3}]}`:  "a number is taken for a text",
		`{"access_token":"x","customers":{}}`:            silent,
		`{"access_token":"x","is_password_change":1}`:    silent,
		`{"access_token":"x","possible_chains":{"a":1}}`: silent,
	}
	return d
}

// The language of upstream blocks can say what this provider does.
func TestADescriptionOfItConforms(t *testing.T) {
	providertest.Run(t, described(t))
	providertest.RunAnswers(t, described(t), answers())
}
