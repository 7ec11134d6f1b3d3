package bereke_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers/bereke"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

const (
	username    = "pay.robot-770123"
	password    = "пароль +/=&%\"\\ 0x7F"
	fingerprint = "fp-31415926535"

	// Neither fits an int64; the second not even a uint64.
	firstCustomer  = "9876543210987654321"
	secondCustomer = "98765432109876543210"
	userID         = "12345678901234567890"
	tabbed         = "ТОО \test\""
)

func account() sandbox.Account {
	return sandbox.Account{
		Upstream: "bereke", Name: username, Password: password,
		Bereke: &sandbox.BerekeAccount{
			UserID: userID, Role: "ANONYMOUS", Full: true,
			Customers: []sandbox.BerekeCustomer{{ID: firstCustomer, Name: tabbed}, {ID: secondCustomer, Name: "ИП Test."}},
		},
	}
}

func target() providertest.Target {
	return providertest.Target{
		Spec:    bereke.Spec(),
		Account: account(),
		Attributes: map[string]cty.Value{
			"username": cty.StringVal(username), "password": cty.StringVal(password),
			"public_key": cty.StringVal(sandbox.BerekePublicKey(0)), "customer_id": cty.StringVal(firstCustomer),
		},
		Secrets: []string{username, password},
		Requests: []providertest.Request{{
			Op: sandbox.OpLogin, Method: http.MethodPost,
			Path: "/auth/oauth/token?grant_type=Password&user_type=customer&username={any}&password={any}",
			Header: map[string]string{
				"Content-Type": "application/json", "Accept": "application/json", "Authorization": "Basic V0VCOg==", "User-Agent": "credsync/1.2.3",
			},
			Body: "{}",
		}},
		Outputs: credential.Outputs{
			"token_type": "bearer", "scope": "ALL", "user_id": userID, "role": "ANONYMOUS", "chain_type": "EMPTY",
			"jti": "74531e41-0560-49b5-a2f8-def49731d390", "customer_id": firstCustomer, "customer_name": tabbed,
			"cus_unique_idn": "111111111111", "customer_user_id": "0", "user_type": "customer", "role_id": "0", "role_version": "0",
			"otp_strategy": "UNDEFINED", "is_device_trusted": false, "suggest_add_device": false, "can_skip": false,
			"customers": []map[string]string{{"id": firstCustomer, "name": tabbed}, {"id": secondCustomer, "name": "ИП Test."}},
		},
		Errors: append(loginErrors(), verifyErrors()...),
		Odd: map[string]string{
			`{"access_token":"x","customers":[{"id":1e3}]}`:                         "customers[0].id",
			`{"access_token":"x","customers":{}}`:                                   "customers",
			`{"access_token":"x","expires_in":"soon"}`:                              "expires_in",
			`{"access_token":"x","expires_in":""}`:                                  "expires_in",
			`{"access_token":"x","expires_in":"899"}`:                               "",
			`{"access_token":"x","user_id":"6f1b0b3c-7c2d-4a52-8f53-0d6a4ad1f2aa"}`: "user_id",
			`{"access_token":"x","is_password_change":1}`:                           "is_password_change",
			`{"access_token":"x","possible_chains":{"a":1}}`:                        "possible_chains",
			`{"access_token":"x","role":["a"]}`:                                     "role",
		},
		EmptyRefuses: true,
	}
}

func change(f func(*sandbox.Account)) func(*testing.T, *sandbox.Sandbox) {
	return providertest.Change("bereke", username, f)
}

func loginErrors() []providertest.Case {
	answer, credentials, rejected := providertest.Answer, failure.Credentials, failure.CredentialsRejected
	human, locked := failure.Human, failure.AccountLocked
	return providertest.WithOp(sandbox.OpLogin, []providertest.Case{
		{Name: "wrong password", Class: credentials, Reason: rejected, Arrange: change(func(a *sandbox.Account) { a.Password = "another" })},
		{Name: "unknown user", Class: credentials, Reason: rejected, Attributes: map[string]cty.Value{"username": cty.StringVal("nobody")}},
		{Name: "another padding", Class: credentials, Reason: rejected, Attributes: map[string]cty.Value{"padding": cty.StringVal("oaep_sha1")}},
		{Name: "another key", Class: credentials, Reason: rejected,
			Arrange: func(_ *testing.T, s *sandbox.Sandbox) { s.RotateBerekeKey() }},
		{Name: "400 invalid_grant", Class: credentials, Reason: rejected, Arrange: answer(400, `{"error":"invalid_grant","error_description":"Bad credentials"}`)},
		{Name: "401 invalid_grant", Class: credentials, Reason: rejected, Arrange: answer(401, `{"error":"Invalid_Grant"}`)},
		{Name: "401 with another object", Class: credentials, Reason: rejected, Arrange: answer(401, `{"status":401,"message":"Unauthorized"}`)},
		{Name: "401 without a body", Class: credentials, Reason: rejected, Arrange: answer(401, ``)},
		{Name: "401 with HTML", Class: failure.Server, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.HTML, Status: 401})},
		{Name: "invalid_client", Class: failure.Config, Attribute: "basic_auth", Arrange: answer(401, `{"error":"invalid_client"}`)},
		{Name: "unsupported_grant_type", Class: failure.Config, Attribute: "grant_type", Arrange: answer(400, `{"error":"unsupported_grant_type"}`)},
		{Name: "locked", Class: human, Reason: locked, Arrange: change(func(a *sandbox.Account) { a.Locked = true })},
		{Name: "423", Class: human, Reason: locked, Arrange: answer(423, `{}`)},
		{Name: "423 without a body", Class: human, Reason: locked, Arrange: answer(423, ``)},
		{Name: "locked in words", Class: human, Reason: locked, Arrange: answer(400, `{"error":"invalid_grant","error_description":"User account is LOCKED"}`)},
		{Name: "locked in Russian", Class: human, Reason: locked, Arrange: answer(401, `{"message":"Пользователь Заблокирован"}`)},
		{Name: "a table that is locked", Class: failure.Server, Arrange: answer(500, `{"error":"server_error","message":"database is locked"}`)},
		{Name: "password change without a token", Class: human, Reason: failure.PasswordChangeRequired,
			Arrange: answer(200, `{"access_token":"","is_password_change":true}`)},
		{Name: "second factor without a token", Class: human, Reason: failure.SecondFactorUnsupported,
			Arrange: answer(200, `{"access_token":null,"possible_chains":[{"type":"SMS"}]}`)},
		{Name: "another 400", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(400, `{"error":"invalid_request"}`)},
		{Name: "403", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(403, `{"message":"forbidden"}`)},
		{Name: "404", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(404, `{}`)},
		{Name: "404 without a body", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(404, ``)},
		{Name: "500", Class: failure.Server, Arrange: answer(500, `{"error":"invalid_grant"}`)},
		{Name: "the documented example, which has no token", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, sample)},
		{Name: "invalid_grant in a success", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"error":"invalid_grant"}`)},
		{Name: "token with a line break", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"access_token":"a\nb","customers":[]}`)},
	})
}

// The requests are as they are written in the configuration.
func TestRequestsInAnotherForm(t *testing.T) {
	other := target()
	other.Attributes["grant_type"], other.Attributes["user_type"] = cty.StringVal("password"), cty.StringVal("bank&user")
	other.Account.Bereke.GrantType, other.Account.Bereke.UserType = "password", "bank&user"
	other.Requests[0].Path = strings.NewReplacer("=Password", "=password", "=customer", "=bank%26user").Replace(other.Requests[0].Path)
	providertest.RunRequests(t, other)
}

// The account may name a read that tells whether a token is good.
func TestRequestsWithARead(t *testing.T) {
	reading := target()
	reading.Attributes["verify_path"] = cty.StringVal("/customers")
	reading.Requests = append(reading.Requests, providertest.Request{
		Op: sandbox.OpVerify, Method: http.MethodGet, Path: "/customers", AnyJSON: true,
		Header: map[string]string{"Authorization": "Bearer {token}", "Content-Type": "", "Device-Fingerprint": ""},
	})
	providertest.RunRequests(t, reading)
	for _, c := range readErrors() {
		t.Run(c.Name, func(t *testing.T) {
			h := providertest.New(t, reading)
			token := h.Login(t)
			c.Arrange(t, h.Sandbox)
			_, err := h.Verify(t.Context(), token)
			if e := providertest.WantClass(t, err, c.Class, c.Reason); e.Attribute != c.Attribute {
				t.Errorf("attribute %q, want %q", e.Attribute, c.Attribute)
			}
		})
	}
}

func readErrors() []providertest.Case {
	answer := providertest.Answer
	return providertest.WithOp(sandbox.OpVerify, []providertest.Case{
		{Name: "revoked token", Class: failure.Credentials, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "read 401", Class: failure.Credentials, Arrange: answer(401, `{}`)},
		{Name: "read 403", Class: failure.Human, Reason: failure.NoAccess, Arrange: answer(403, `{}`)},
		{Name: "read 404", Class: failure.Config, Attribute: "verify_path", Arrange: answer(404, `{}`)},
		{Name: "read 415", Class: failure.Config, Attribute: "verify_path", Arrange: answer(415, `{}`)},
		{Name: "read 500", Class: failure.Server, Arrange: answer(500, `{}`)},
	})
}

func TestConformance(t *testing.T) { providertest.Run(t, target()) }
