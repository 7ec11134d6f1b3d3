package bifit_kassa_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers/bifit_kassa"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

const (
	username = "79001234567"
	password = "pa ss+w/rd=1"
	// printf 'pa ss+w/rd=1' | openssl dgst -sha256 -binary | base64
	hash = "ueeSHbcyoPM7g3/6lrZ/ByvPI6/AgpSTO+LrM+Q/Wt4="
	// What a form has to make of it.
	hashInForm = "ueeSHbcyoPM7g3%2F6lrZ%2FByvPI6%2FAgpSTO%2BLrM%2BQ%2FWt4%3D"

	clientForm = "client_id=cashdesk-rest-client&client_secret=cashdesk-rest-client"
)

func target() providertest.Target {
	form := map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "deflate", "Accept": "application/json", "Authorization": "",
	}
	return providertest.Target{
		Spec: bifit_kassa.Spec(),
		Account: sandbox.Account{
			Upstream: "bifit_kassa", Name: username, Password: password,
			BifitKassa: &sandbox.BifitKassaAccount{UserID: "98765432109876543210"},
		},
		Attributes: map[string]cty.Value{
			"username": cty.StringVal(username), "password": cty.StringVal(password), "verify_path": cty.StringVal("/organizations"),
		},
		Secrets: []string{hash, password, username, hashInForm},
		Requests: []providertest.Request{
			{
				Op: sandbox.OpLogin, Method: http.MethodPost, Path: "/oauth/token", Header: form,
				Body: clientForm + "&grant_type=password&password=" + hashInForm + "&username=79001234567",
			},
			{
				Op: sandbox.OpRefresh, Method: http.MethodPost, Path: "/oauth/token", Header: form,
				Body: clientForm + "&grant_type=refresh_token&refresh_token={refresh}",
			},
			{
				Op: sandbox.OpVerify, Method: http.MethodGet, Path: "/organizations", AnyJSON: true,
				Header: map[string]string{"Authorization": "Bearer {token}", "Accept-Encoding": "deflate", "Content-Type": ""},
			},
		},
		Outputs: credential.Outputs{"token_type": "bearer", "scope": "read write", "user_id": "98765432109876543210"},
		Odd: map[string]string{
			`{"access_token":"x","expires_in":{}}`:   "expires_in",
			`{"access_token":"x","expires_in":-1}`:   "expires_in",
			`{"access_token":"x","user_id":{}}`:      "user_id",
			`{"access_token":"x","scope":["a","b"]}`: "",
			`{"access_token":"x","scope":5}`:         "scope",
			`{"access_token":"x","refresh_token":5}`: "refresh_token",
		},
		Errors: append(append(loginErrors(), refreshErrors()...), readErrors()...),
	}
}

// change makes an Arrange that changes the account.
func change(f func(*sandbox.Account)) func(*testing.T, *sandbox.Sandbox) {
	return providertest.Change("bifit_kassa", username, f)
}

func advance(d time.Duration) func(*testing.T, *sandbox.Sandbox) {
	return func(_ *testing.T, s *sandbox.Sandbox) { s.Advance(d) }
}

func loginErrors() []providertest.Case {
	answer := providertest.Answer
	return providertest.WithOp(sandbox.OpLogin, []providertest.Case{
		{Name: "wrong password", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Arrange: change(func(a *sandbox.Account) { a.Password = "another" })},
		{Name: "unknown username", Class: failure.Credentials, Reason: failure.CredentialsRejected, Attributes: providertest.Set("username", "79990000000")},
		{Name: "another encoding", Class: failure.Credentials, Reason: failure.CredentialsRejected, Attributes: providertest.Set("password_encoding", "url_unpadded")},
		{Name: "401 invalid_grant", Class: failure.Credentials, Reason: failure.CredentialsRejected, Arrange: answer(401, `{"error":"invalid_grant"}`)},
		{Name: "401 with another word", Class: failure.Credentials, Reason: failure.CredentialsRejected, Arrange: answer(401, `{"error":"unauthorized"}`)},
		{Name: "second factor", Class: failure.Human, Reason: failure.NeedsCode,
			Arrange: change(func(a *sandbox.Account) { a.BifitKassa.SecondFactor = true })},
		{Name: "documented mfa_required", Class: failure.Human, Reason: failure.NeedsCode,
			Arrange: answer(
				401,
				`{"error":"mfa_required","error_description":"Требуется многофакторная аутентификация"}`,
			)},
		{
			Name:    "locked",
			Class:   failure.Human,
			Reason:  failure.AccountLocked,
			Arrange: change(func(a *sandbox.Account) { a.Locked = true }),
		},
		{Name: "locked in Russian", Class: failure.Human, Reason: failure.AccountLocked,
			Arrange: answer(401, `{"error":"unauthorized","error_description":"Пользователь ЗАБЛОКИРОВАН"}`)},
		{Name: "423", Class: failure.Human, Reason: failure.AccountLocked, Arrange: answer(423, `{}`)},
		{Name: "403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{"error":"access_denied"}`)},
		{Name: "wrong client", Class: failure.Config, Attribute: "client_id", Attributes: providertest.Set("client_secret", "another")},
		{Name: "unsupported grant type", Class: failure.Config, Attribute: "base_url", Arrange: answer(400, `{"error":"unsupported_grant_type"}`)},
		{Name: "invalid request", Class: failure.Config, Attribute: "base_url", Arrange: answer(400, `{"error":"invalid_request"}`)},
		{Name: "400 with another word", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(400, `{"error":"oops"}`)},
		{Name: "404", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(404, `{"error":"Not Found"}`)},
		{Name: "500 invalid_grant", Class: failure.Server, Arrange: answer(500, `{"error":"invalid_grant"}`)},
		{Name: "500 with HTML", Class: failure.Server, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.HTML})},
		{Name: "no token", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"refresh_token":"x","expires_in":43199}`)},
		{Name: "empty token", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"access_token":""}`)},
		{Name: "token with a line break", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"access_token":"a\nb"}`)},
	})
}

func refreshErrors() []providertest.Case {
	answer := providertest.Answer
	return providertest.WithOp(sandbox.OpRefresh, []providertest.Case{
		{Name: "revoked refresh token", Class: failure.Credentials, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "expired refresh token", Class: failure.Credentials, Arrange: advance(31 * 24 * time.Hour)},
		{Name: "refresh of a locked account", Class: failure.Credentials, Arrange: change(func(a *sandbox.Account) { a.Locked = true })},
		{Name: "refresh 401 invalid_grant", Class: failure.Credentials, Arrange: answer(401, `{"error":"invalid_grant"}`)},
		{Name: "refresh 401 with another word", Class: failure.Credentials, Arrange: answer(401, `{"error":"invalid_token"}`)},
		{Name: "refresh wants a code", Class: failure.Credentials, Arrange: answer(401, `{"error":"mfa_required"}`)},
		{Name: "refresh 403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{"error":"access_denied"}`)},
		{Name: "refresh by a wrong client", Class: failure.Config, Attribute: "client_id",
			Arrange: change(func(a *sandbox.Account) { a.BifitKassa.ClientID = "another" })},
		{Name: "refresh unsupported", Class: failure.Config, Attribute: "base_url", Arrange: answer(400, `{"error":"unsupported_grant_type"}`)},
		{Name: "refresh 500", Class: failure.Server, Arrange: answer(500, `{}`)},
		{Name: "refresh without a token", Class: failure.Server, Arrange: answer(200, `{"refresh_token":"x"}`)},
	})
}

func readErrors() []providertest.Case {
	answer := providertest.Answer
	return providertest.WithOp(sandbox.OpVerify, []providertest.Case{
		{Name: "revoked token", Class: failure.Credentials, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "expired token", Class: failure.Credentials, Arrange: advance(12 * time.Hour)},
		{Name: "read 403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{"error":"access_denied"}`)},
		{Name: "read 404", Class: failure.Config, Attribute: "verify_path", Arrange: answer(404, `{}`)},
		{Name: "read 405", Class: failure.Config, Attribute: "verify_path", Arrange: answer(405, `{}`)},
		{Name: "read 418", Class: failure.Server, Arrange: answer(418, `{}`)},
		{Name: "read 500", Class: failure.Server, Arrange: answer(500, `{}`)},
	})
}

// A digest that somebody else has made is sent as the password's own would be, in
// whatever form it is written.
func TestRequestsWithAHash(t *testing.T) {
	for _, written := range []string{hash, hexHash} {
		hashed := target()
		hashed.Attributes["password"], hashed.Attributes["password_hash"] = cty.NullVal(cty.String), cty.StringVal(written)
		hashed.Secrets = append(hashed.Secrets, written)
		providertest.RunRequests(t, hashed)
	}
}

func TestRequestsWithAnotherUsername(t *testing.T) {
	other := target()
	other.Attributes["username"], other.Attributes["username_format"] = cty.StringVal("till+1@example.com"), cty.StringVal("any")
	other.Account.Name, other.Account.BifitKassa.AnyUsername = "till+1@example.com", true
	other.Requests[0].Body = strings.Replace(other.Requests[0].Body, username, "till%2B1%40example.com", 1)
	providertest.RunRequests(t, other)
}

func TestRequestsWithAReadByPOST(t *testing.T) {
	posting := target()
	posting.Attributes["verify_method"], posting.Attributes["verify_body"] = cty.StringVal("POST"), cty.StringVal(`{"page":1}`)
	read := &posting.Requests[len(posting.Requests)-1]
	read.Method, read.Body, read.Header["Content-Type"] = http.MethodPost, `{"page":1}`, "application/json"
	posting.Errors = readErrors()
	providertest.Run(t, posting)
}

func TestConformance(t *testing.T) { providertest.Run(t, target()) }
