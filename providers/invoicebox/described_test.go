package invoicebox_test

import (
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/credsync/credsync/testkit/upstreamfile"
)

// described is the target by its description, without what the language cannot say.
func described(t *testing.T, token, version string) providertest.Target {
	t.Helper()
	d := target(token, version)
	d.Spec = upstreamfile.Spec(t, "testdata/described.hcl", d.Spec.Name)
	for i := range d.Errors {
		if d.Errors[i].Class == failure.Credentials {
			// A description says of a static token what the engine otherwise adds.
			d.Errors[i].Reason = failure.CredentialsRejected
		}
	}
	d.NotSaid = map[string]string{
		"userId of another type": "an answer of success that is none counts as a refusal, whatever is odd in it",
	}
	return d
}

// The language of upstream blocks can say what this provider does.
func TestADescriptionOfItConforms(t *testing.T) {
	providertest.Run(t, described(t, tokenV3, "v3"))
	providertest.Run(t, described(t, tokenL3, "l3"))
	providertest.RunAnswers(t, described(t, tokenV3, "v3"), providertest.Answers{})
	t.Run("Shapes", func(t *testing.T) { testShapes(t, described(t, tokenV3, "v3").Spec) })
	t.Run("Age", func(t *testing.T) { testAge(t, described(t, tokenV3, "v3")) })
	t.Run("Reminder", func(t *testing.T) { testReminder(t, described(t, tokenV3, "v3")) })
	t.Run("OldToken", func(t *testing.T) { testOldToken(t, described(t, tokenV3, "v3")) })
	t.Run("Unknown", func(t *testing.T) { testUnknown(t, described(t, tokenV3, "v3").Spec) })
}
