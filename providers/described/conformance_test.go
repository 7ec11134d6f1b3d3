package described_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

const (
	telephone     = "79001234567"
	kassaPass     = "pa ss+w/rd=1"
	kassaHash     = "ueeSHbcyoPM7g3/6lrZ/ByvPI6/AgpSTO+LrM+Q/Wt4="
	hashInForm    = "ueeSHbcyoPM7g3%2F6lrZ%2FByvPI6%2FAgpSTO%2BLrM%2BQ%2FWt4%3D"
	kassaClient   = "client_id=cashdesk-rest-client&client_secret=cashdesk-rest-client"
	kassaUpstream = "bifit_kassa"
)

// kassa is the provider bifit_kassa, described.
func kassa() *described.Definition {
	request := func(method, path string) described.Request {
		return described.Request{
			Method: method, Path: x(path), Header: x(`{ Accept-Encoding = "deflate" }`), Place: "kassa.hcl:9",
			Response: described.Response{Format: described.FormatJSON},
		}
	}
	login, refresh, read := request("POST", `"/oauth/token"`), request("POST", `"/oauth/token"`), request("GET", `"/organizations"`)
	login.Counts, login.Form = true, x(`merge(local.who, local.pw, { grant_type = "password" })`)
	refresh.Form = x(`merge(local.who, { grant_type = "refresh_token", refresh_token = token.refresh_token })`)
	read.Bearer = x(`token.access_token`)
	block := func(name, when string, class failure.Class, on ...string) described.ErrorBlock {
		return described.ErrorBlock{Name: name, Place: "kassa.hcl:30", On: on, When: x(when), Class: class, Message: x(`try(response.body.error_description, null)`)}
	}
	locked := block("locked", `response.status == 423 || strcontains(local.why, "заблокирован") || strcontains(local.why, "locked")`, failure.Human, described.OpLogin)
	locked.Reason = failure.AccountLocked
	client := block("client", `contains(["invalid_client", "unauthorized_client"], try(response.body.error, ""))`, failure.Config)
	client.Attribute = "client"
	return &described.Definition{
		Type: kassaUpstream, Place: "kassa.hcl:1",
		Attributes: []schema.Attribute{
			{Name: "username", Type: cty.String, Required: true, Sensitive: true},
			{Name: "password", Type: cty.String, Required: true, Sensitive: true},
			{Name: "client", Type: cty.String, Default: cty.StringVal("cashdesk-rest-client")},
		},
		Locals: []described.Local{
			{Name: "who", Expr: x(`{ client_id = self.client, client_secret = self.client }`)},
			{Name: "pw", Expr: x(`{ username = self.username, password = base64sha256(self.password) }`)},
			{Name: "why", Expr: x(`lower(try(response.body.error_description, ""))`)},
		},
		Outputs: []schema.Output{
			{Name: "user_id", Type: cty.String}, {Name: "scope", Type: cty.String}, {Name: "token_type", Type: cty.String},
		},
		Login: &described.TokenOperation{
			Operation:   described.Operation{Requests: []described.Request{login}},
			AccessToken: x(`response.body.access_token`), RefreshToken: x(`try(response.body.refresh_token, null)`),
			ExpiresIn: x(`try(response.body.expires_in, null)`), Lifetime: x(`"43199s"`),
			Outputs: []described.Output{
				{Name: "user_id", Expr: x(`try(tostring(response.body.user_id), null)`)},
				{Name: "scope", Expr: x(`try(response.body.scope, null)`)},
				{Name: "token_type", Expr: x(`try(response.body.token_type, null)`)},
			},
		},
		Refresh: &described.TokenOperation{
			Operation: described.Operation{Requests: []described.Request{refresh}}, SingleUse: true,
			AccessToken: x(`response.body.access_token`), RefreshToken: x(`try(response.body.refresh_token, null)`),
		},
		Verify: &described.Verify{Request: &read},
		Second: &described.SecondFactor{When: x(`try(response.body.error, "") == "mfa_required"`)},
		Errors: []described.ErrorBlock{
			block("fault", `response.status >= 500`, failure.Server), client,
			block("request", `contains(["unsupported_grant_type", "invalid_request", "invalid_scope"], try(response.body.error, ""))`, failure.Config),
			locked,
			block("grant", `try(response.body.error, "") == "invalid_grant"`, failure.Credentials, described.OpLogin, described.OpRefresh),
			block("refresh", `response.status == 423`, failure.Credentials, described.OpRefresh),
		},
	}
}

func kassaTarget() providertest.Target {
	form := map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "deflate", "Accept": "application/json", "Authorization": "",
	}
	return providertest.Target{
		Spec: kassa().Spec(),
		Account: sandbox.Account{
			Upstream: kassaUpstream, Name: telephone, Password: kassaPass,
			BifitKassa: &sandbox.BifitKassaAccount{UserID: "98765432109876543210"},
		},
		Attributes: map[string]cty.Value{"username": cty.StringVal(telephone), "password": cty.StringVal(kassaPass)},
		Secrets:    []string{kassaHash, kassaPass, telephone, hashInForm},
		Requests: []providertest.Request{
			{
				Op: sandbox.OpLogin, Method: http.MethodPost, Path: "/oauth/token", Header: form,
				Body: kassaClient + "&grant_type=password&password=" + hashInForm + "&username=79001234567",
			},
			{
				Op: sandbox.OpRefresh, Method: http.MethodPost, Path: "/oauth/token", Header: form,
				Body: kassaClient + "&grant_type=refresh_token&refresh_token={refresh}",
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
			`{"access_token":"x","refresh_token":5}`: "refresh_token",
		},
		StatusDecides: true,
		Errors:        kassaErrors(),
	}
}

func kassaErrors() []providertest.Case {
	change := func(f func(*sandbox.Account)) func(*testing.T, *sandbox.Sandbox) {
		return providertest.Change(kassaUpstream, telephone, f)
	}
	answer := providertest.Answer
	list := providertest.WithOp(sandbox.OpLogin, []providertest.Case{
		{Name: "wrong password", Class: failure.Credentials, Reason: rejected,
			Arrange: change(func(a *sandbox.Account) { a.Password = "another" })},
		{Name: "unknown username", Class: failure.Credentials, Reason: rejected, Attributes: providertest.Set("username", "79990000000")},
		{Name: "401 with another word", Class: failure.Credentials, Reason: rejected, Arrange: answer(401, `{"error":"unauthorized"}`)},
		{Name: "second factor", Class: failure.Human, Reason: failure.NeedsCode,
			Arrange: change(func(a *sandbox.Account) { a.BifitKassa.SecondFactor = true })},
		{Name: "locked", Class: failure.Human, Reason: failure.AccountLocked,
			Arrange: change(func(a *sandbox.Account) { a.Locked = true })},
		{Name: "423", Class: failure.Human, Reason: failure.AccountLocked, Arrange: answer(423, `{}`)},
		{Name: "403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{"error":"access_denied"}`)},
		{Name: "wrong client", Class: failure.Config, Attribute: "client", Attributes: providertest.Set("client", "another")},
		{Name: "400 with another word", Class: failure.Server, Reason: unclassified, Arrange: answer(400, `{"error":"oops"}`)},
		{Name: "500 invalid_grant", Class: failure.Server, Arrange: answer(500, `{"error":"invalid_grant"}`)},
		{Name: "500 with HTML", Class: failure.Server, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.HTML})},
		{Name: "no token", Class: failure.Server, Reason: unclassified, Arrange: answer(200, `{"refresh_token":"x","expires_in":43199}`)},
		{Name: "token with a line break", Class: failure.Server, Reason: unclassified, Arrange: answer(200, `{"access_token":"a\nb"}`)},
	})
	list = append(list, providertest.WithOp(sandbox.OpRefresh, []providertest.Case{
		{Name: "revoked refresh token", Class: failure.Credentials, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "refresh of a locked account", Class: failure.Credentials, Arrange: change(func(a *sandbox.Account) { a.Locked = true })},
		{Name: "refresh 403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{"error":"access_denied"}`)},
		{Name: "refresh by a wrong client", Class: failure.Config, Attribute: "client",
			Arrange: change(func(a *sandbox.Account) { a.BifitKassa.ClientID = "another" })},
		{Name: "refresh without a token", Class: failure.Server, Arrange: answer(200, `{"refresh_token":"x"}`)},
	})...)
	return append(list, providertest.WithOp(sandbox.OpVerify, []providertest.Case{
		{Name: "revoked token", Class: failure.Credentials, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "expired token", Class: failure.Credentials,
			Arrange: func(_ *testing.T, s *sandbox.Sandbox) { s.Advance(12 * time.Hour) }},
		{Name: "read 403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{"error":"access_denied"}`)},
		{Name: "read 404", Class: failure.Config, Arrange: answer(404, `{}`)},
		{Name: "read 418", Class: failure.Server, Arrange: answer(418, `{}`)},
	})...)
}

// A described upstream keeps what built-in ones promise.
func TestConformance(t *testing.T) { providertest.Run(t, kassaTarget()) }
