package astana_plat_test

import (
	"testing"

	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
)

// The document tells errors by status and message together, and has four that pass.
func answers() providertest.Answers {
	again := func(status int, body string) providertest.Again {
		return providertest.Again{Op: sandbox.OpLogin, Status: status, Body: body}
	}
	return providertest.Answers{Again: []providertest.Again{
		again(400, `{"statusCode":400,"message":"Error. Try later"}`),
		again(400, `{"statusCode":400,"message":"Unknown error. Try later"}`),
		again(400, `{"statusCode":400,"message":"Incorrect response body. Try again."}`),
		{Op: sandbox.OpLogin, Status: 500, Body: `{"statusCode":500,"message":"Error on server. try later"}`, AnyBody: true},
	}}
}

func TestAnswersByPassword(t *testing.T) { providertest.RunAnswers(t, target(), answers()) }

func TestAnswersByCertificate(t *testing.T) {
	providertest.RunAnswers(t, certificateTarget(), answers())
}
