package bifit_kassa_test

import (
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestAnswers(t *testing.T) { providertest.RunAnswers(t, target(), answers()) }

// The document names words. Some statuses mean the same with any other: it has no other
// use for a 401, and the others say it by themselves.
func answers() providertest.Answers {
	human, noAccess := failure.Human, failure.NoAccess
	refused := func(op string, status int, class failure.Class, reason failure.Reason) providertest.StatusRefusal {
		return providertest.StatusRefusal{
			Op:     op,
			Status: status,
			With:   providertest.Object,
			Class:  class,
			Reason: reason,
		}
	}
	return providertest.Answers{
		ByStatus: []providertest.StatusRefusal{
			{Op: sandbox.OpLogin, Status: 423, Class: human, Reason: failure.AccountLocked},
			// A login that follows finds out what the service has against the account.
			{Op: sandbox.OpRefresh, Status: 423, Class: failure.Credentials},
			refused(sandbox.OpLogin, 401, failure.Credentials, failure.CredentialsRejected),
			refused(sandbox.OpLogin, 403, human, noAccess),
			refused(sandbox.OpRefresh, 401, failure.Credentials, ""),
			refused(sandbox.OpRefresh, 403, human, noAccess),
			{Op: sandbox.OpVerify, Status: 400, Class: failure.Config},
			{Op: sandbox.OpVerify, Status: 401, Class: failure.Credentials},
			{Op: sandbox.OpVerify, Status: 403, Class: human, Reason: noAccess},
			{Op: sandbox.OpVerify, Status: 404, Class: failure.Config},
			{Op: sandbox.OpVerify, Status: 405, Class: failure.Config},
			{Op: sandbox.OpVerify, Status: 415, Class: failure.Config},
		},
	}
}
