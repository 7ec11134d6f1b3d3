package sagi_test

import (
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
)

func TestAnswers(t *testing.T) { providertest.RunAnswers(t, target(), answers()) }

// The document names statuses alone; "5xx" and one 404 are to be tried again.
func answers() providertest.Answers {
	human, noAccess := failure.Human, failure.NoAccess
	failed := `{"code":404,"message":"failed creating token"}`
	return providertest.Answers{
		ByStatus: []providertest.StatusRefusal{
			{Op: sandbox.OpLogin, Status: 400, Class: failure.Config},
			{Op: sandbox.OpLogin, Status: 401, Class: failure.Credentials, Reason: failure.CredentialsRejected},
			{Op: sandbox.OpLogin, Status: 403, Class: human, Reason: noAccess},
			{Op: sandbox.OpRefresh, Status: 400, Class: failure.Config},
			{Op: sandbox.OpRefresh, Status: 401, Class: failure.Credentials},
			{Op: sandbox.OpRefresh, Status: 403, Class: human, Reason: noAccess},
			{Op: sandbox.OpVerify, Status: 400, Class: failure.Config},
			{Op: sandbox.OpVerify, Status: 401, Class: failure.Credentials},
			{Op: sandbox.OpVerify, Status: 403, Class: human, Reason: noAccess},
			{Op: sandbox.OpVerify, Status: 404, Class: human, Reason: noAccess},
		},
		Again: []providertest.Again{
			{Op: sandbox.OpLogin, AnyFault: true}, {Op: sandbox.OpRefresh, AnyFault: true},
			{Op: sandbox.OpLogin, Status: 404, Body: failed}, {Op: sandbox.OpRefresh, Status: 404, Body: failed},
		},
	}
}
