package sagi_test

import (
	"net/http"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers/sagi"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

const (
	phone    = "business_user@example.com"
	password = `pa"ss wörd\<&>` // whatever JSON has to escape
	license  = "license-0123456789"

	// Neither fits an int64; the second not even a uint64.
	firstBranch  = "9876543210987654321"
	secondBranch = "1988850967616950272"
	firstGroup   = "98765432109876543210"
	secondGroup  = "17"
)

func account() sandbox.Account {
	return sandbox.Account{
		Upstream: "sagi", Name: phone, Password: password,
		Sagi: &sandbox.SagiAccount{
			LicenseKey: license, OrganizationID: "1231456789", Role: "a new role",
			Branches: []sandbox.SagiBranch{
				{ID: firstBranch, Name: "First", GroupID: firstGroup, SubscriptionActive: true},
				{ID: secondBranch, Name: "Second", GroupID: secondGroup},
			},
		},
	}
}

func target() providertest.Target {
	bearer := map[string]string{"Authorization": "Bearer {token}", "Content-Type": "", "Accept": "application/json"}
	return providertest.Target{
		Spec:    sagi.Spec(),
		Account: account(),
		Attributes: map[string]cty.Value{
			"phone": cty.StringVal(phone), "password": cty.StringVal(password), "license_key": cty.StringVal(license),
		},
		Odd: map[string]string{
			`{"code":1001,"data":{"access_token":"x","organization":{}}}`: "code",
			`{"code":"E1","data":{"access_token":"x","organization":{}}}`: "code",
			`{"access_token":"x"}`:                                                       "",
			`{"access_token":" x\n"}`:                                                    "",
			`{"access_token":"x","expire":"soon","organization":{}}`:                     "expire",
			`{"access_token":"x","expire":1790000000}`:                                   "expire",
			`{"access_token":"x","expire":"2099-01-01T00:00:00"}`:                        "expire",
			`{"access_token":"x","expire":""}`:                                           "expire",
			`{"access_token":"x","expire":"2099-01-01t00:00:00z"}`:                       "",
			`{"access_token":"x","expire":"2099-06-30T23:59:60Z"}`:                       "",
			`{"access_token":"x","muted":0}`:                                             "muted",
			`{"access_token":"x","organization":{"role":7,"branches":[1]}}`:              "organization.role",
			`{"access_token":"x","organization":{"branches":[1],"branches_details":{}}}`: "organization.branches_details",
			`{"access_token":"x","organization":{"branches":[1,1e3]}}`:                   "organization.branches[1]",
			`{"access_token":"x","organization":{"branches":["a1",2]}}`:                  "organization.branches[0]",
			`{"access_token":"x","organization":{"role":"a\ud800","branches":[1]}}`:      "organization.role",
			`{"access_token":"x","organization":[]}`:                                     "organization",
		},
		Secrets:       []string{license, password},
		StatusDecides: true,
		Requests: []providertest.Request{
			{
				Op: sandbox.OpLogin, Method: http.MethodPost, Path: "/api/v1/auth/business",
				Header: map[string]string{"Content-Type": "application/json", "Accept": "application/json", "Authorization": ""},
				Body:   `{"phone":"business_user@example.com","password":"pa\"ss wörd\\\u003c\u0026\u003e","license_key":"license-0123456789"}`,
			},
			{Op: sandbox.OpRefresh, Method: http.MethodPost, Path: "/api/v1/auth/refresh_token", Header: bearer},
			{Op: sandbox.OpVerify, Method: http.MethodGet, Path: "/api/v1/branches/" + firstBranch, Header: bearer},
		},
		Outputs: credential.Outputs{
			"organization_id": "1231456789", "role": "a new role", "branches": []string{firstBranch, secondBranch},
			"branch_id": firstBranch, "branch_name": "First", "group_id": firstGroup, "muted": false, "subscription_active": true,
		},
		Errors: append(append(loginErrors(), refreshErrors()...), lookupErrors()...),
	}
}

func loginErrors() []providertest.Case {
	answer := providertest.Answer
	change := func(f func(*sandbox.Account)) func(*testing.T, *sandbox.Sandbox) {
		return func(_ *testing.T, s *sandbox.Sandbox) { s.Update("sagi", phone, f) }
	}
	list := []providertest.Case{
		{Name: "wrong password", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Arrange: change(func(a *sandbox.Account) { a.Password = "another" })},
		{Name: "unknown phone", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Attributes: map[string]cty.Value{"phone": cty.StringVal("nobody")}},
		{Name: "wrong license key", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Attributes: map[string]cty.Value{"license_key": cty.StringVal("license-9")}},
		{Name: "code 401 in HTTP 200", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Arrange: answer(200, `{"code":401,"message":"invalid login or password","data":null}`)},
		{
			Name:    "locked",
			Class:   failure.Human,
			Reason:  failure.NoAccess,
			Arrange: change(func(a *sandbox.Account) { a.Locked = true }),
		},
		{Name: "400", Class: failure.Config, Attribute: "phone", Arrange: answer(400, `{"message":"bad format"}`)},
		{Name: "404 failed creating token", Class: failure.Retryable, Arrange: answer(404, `{"code":404,"message":"Failed creating token."}`)},
		{Name: "another 404", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(404, `{"message":"page not found"}`)},
		{Name: "500", Class: failure.Retryable, Arrange: answer(500, `{}`)},
		{Name: "500 with HTML", Class: failure.Server, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.HTML})},
		{Name: "code 500 in HTTP 200", Class: failure.Retryable, Arrange: answer(200, `{"code":500,"message":"oops"}`)},
		{Name: "code 429 in HTTP 200", Class: failure.Retryable, Arrange: answer(200, `{"code":429,"message":"slowly"}`)},
		{Name: "undocumented status", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(418, `{}`)},
		{Name: "no token", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"expire":"2027-01-01T00:00:00Z","organization":{}}`)},
		{Name: "empty token", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"access_token":"","organization":{}}`)},
		{Name: "token with a line break", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"access_token":"a\nb","organization":{}}`)},
	}
	return providertest.WithOp(sandbox.OpLogin, list)
}

func refreshErrors() []providertest.Case {
	answer := providertest.Answer
	return providertest.WithOp(sandbox.OpRefresh, []providertest.Case{
		{Name: "refresh of a revoked token", Class: failure.Credentials, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "refresh after 365 days", Class: failure.Credentials,
			Arrange: func(_ *testing.T, s *sandbox.Sandbox) { s.Advance(365 * 24 * 3600e9) }},
		{Name: "refresh 400", Class: failure.Config, Arrange: answer(400, `{}`)},
		{Name: "refresh 403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{"message":"blocked"}`)},
		{Name: "refresh 404 failed creating token", Class: failure.Retryable, Arrange: answer(404, `{"message":"failed creating token"}`)},
		{Name: "refresh 500", Class: failure.Retryable, Arrange: answer(500, ``)},
		{Name: "refresh 404", Class: failure.Server, Arrange: answer(404, `{}`)},
		{Name: "refresh without a token", Class: failure.Server, Arrange: answer(200, `{"expire":"2027-01-01T00:00:00Z"}`)},
	})
}

func lookupErrors() []providertest.Case {
	answer := providertest.Answer
	return providertest.WithOp(sandbox.OpVerify, []providertest.Case{
		{Name: "revoked token", Class: failure.Credentials, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "expired token", Class: failure.Credentials,
			Arrange: func(_ *testing.T, s *sandbox.Sandbox) { s.Advance(31 * 24 * 3600e9) }},
		{Name: "branch 400", Class: failure.Config, Attribute: "branch_id", Arrange: answer(400, `{}`)},
		{Name: "branch 403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{}`)},
		{Name: "branch gone", Class: failure.Human, Reason: failure.NoAccess,
			Arrange: func(_ *testing.T, s *sandbox.Sandbox) {
				s.Update("sagi", phone, func(a *sandbox.Account) { a.Sagi.Branches = a.Sagi.Branches[1:] })
			}},
		{Name: "configured branch not in the list", Class: failure.Config, Attribute: "branch_id",
			Attributes: map[string]cty.Value{"branch_id": cty.StringVal("5")}},
		{Name: "another branch", Class: failure.Server, Arrange: answer(200, `{"id":1,"group_id":1}`)},
		{Name: "no group", Class: failure.Server, Arrange: answer(200, `{"id":9876543210987654321}`)},
		{Name: "group zero", Class: failure.Server, Arrange: answer(200, `{"id":9876543210987654321,"group_id":0}`)},
		{Name: "branch 500", Class: failure.Retryable, Arrange: answer(500, `{}`)},
	})
}

func TestConformance(t *testing.T) { providertest.Run(t, target()) }
