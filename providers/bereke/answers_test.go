package bereke_test

import (
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestAnswers(t *testing.T) { providertest.RunAnswers(t, target(), answers()) }

// A 401 is a rejection with any object and with nothing, a 423 is of a locked account.
func answers() providertest.Answers {
	return providertest.Answers{
		ByStatus: []providertest.StatusRefusal{
			{
				Op:     sandbox.OpLogin,
				Status: 401,
				With:   providertest.ObjectOrNone,
				Class:  failure.Credentials,
				Reason: failure.CredentialsRejected,
			},
			{Op: sandbox.OpLogin, Status: 423, Class: failure.Human, Reason: failure.AccountLocked},
		},
	}
}
