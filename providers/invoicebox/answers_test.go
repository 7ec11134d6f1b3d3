package invoicebox_test

import (
	"testing"

	"github.com/credsync/credsync/testkit/providertest"
)

// Each documented error has an object of its own, so no status decides by itself.
func TestAnswers(t *testing.T) {
	providertest.RunAnswers(t, target(tokenV3, "v3"), providertest.Answers{})
}
