package bifit_kassa_test

import (
	"testing"

	"github.com/credsync/credsync/testkit/providertest"
	"github.com/credsync/credsync/testkit/upstreamfile"
)

// described is the target by its description, without what the language cannot say.
func described(t *testing.T) providertest.Target {
	t.Helper()
	d := target()
	d.Spec = upstreamfile.Spec(t, "testdata/described.hcl", d.Spec.Name)
	// A whole number is a text as it was written.
	d.Odd[`{"access_token":"x","scope":5}`] = ""
	return d
}

// The language of upstream blocks can say what this provider does.
func TestADescriptionOfItConforms(t *testing.T) {
	providertest.Run(t, described(t))
	providertest.RunAnswers(t, described(t), answers())
}
