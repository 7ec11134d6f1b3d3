package astana_plat_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/astana_plat"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/certificates"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

const (
	login       = "shop-17@example.com"
	password    = `pa"ss wörd\<&>` // whatever JSON has to escape
	certificate = "shop-17 certificate"
	keyPassword = certificates.KeyPassword
)

var certificateEnds = time.Now().AddDate(1, 0, 0).UTC().Truncate(time.Second)

func account() sandbox.Account {
	return sandbox.Account{
		Upstream: "astana_plat", Name: login, Password: password,
		AstanaPlat: &sandbox.AstanaPlatAccount{Certificate: certificate},
	}
}

// header is what both ways to log in have in common.
var header = map[string]string{"Content-Type": "application/json", "Accept": "application/json", "Authorization": ""}

func target() providertest.Target {
	return providertest.Target{
		Spec:    astana_plat.Spec(),
		Account: account(),
		Attributes: map[string]cty.Value{
			"login": cty.StringVal(login), "password": cty.StringVal(password),
		},
		Secrets: []string{password, login},
		Requests: []providertest.Request{{
			Op: sandbox.OpLogin, Method: http.MethodPost, Path: "/authorize", Header: header,
			Body: `{"authType":1,"login":"shop-17@example.com","password":"pa\"ss wörd\\\u003c\u0026\u003e"}`,
		}},
		Outputs: credential.Outputs{},
		Odd: map[string]string{
			`{"data":{"token":"x"}}`:                                "",
			`{"statusCode":"200","message":5,"data":{"token":"x"}}`: "",
			`{"statusCode":"OK","data":{"token":"\tx "}}`:           "",
		},
		Errors: append(passwordErrors(), commonErrors()...),
	}
}

func certificateTarget() providertest.Target {
	return providertest.Target{
		Spec:       astana_plat.Spec(),
		Account:    account(),
		Attributes: map[string]cty.Value{},
		TLS:        true,
		Blocks: func(t *testing.T, s *sandbox.Sandbox) map[string][]schema.Values {
			certPEM, keyPEM := issue(
				t,
				s,
				sandbox.ClientCertificate{CommonName: certificate, NotAfter: certificateEnds},
			)
			return block(
				map[string]string{"cert_pem": certPEM, "key_pem": certificates.EncryptPKCS8(t, keyPEM), "key_password": keyPassword},
			)
		},
		Secrets: []string{keyPassword},
		Requests: []providertest.Request{{
			Op: sandbox.OpLogin, Method: http.MethodPost, Path: "/authorize", Header: header, Body: `{"authType":2}`,
		}},
		Outputs: credential.Outputs{"certificate_expires_at": certificateEnds.Format(time.RFC3339)},
		Errors:  append(certificateErrors(), commonErrors()...),
	}
}

func change(f func(*sandbox.Account)) func(*testing.T, *sandbox.Sandbox) {
	return providertest.Change("astana_plat", login, f)
}

func refusal(r sandbox.AstanaPlatRefusal) func(*testing.T, *sandbox.Sandbox) {
	return change(func(a *sandbox.Account) { a.AstanaPlat.Refusal = r })
}

func passwordErrors() []providertest.Case {
	return providertest.WithOp(sandbox.OpLogin, []providertest.Case{
		{Name: "wrong password", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Arrange: change(func(a *sandbox.Account) { a.Password = "another" })},
		{Name: "unknown login", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Attributes: map[string]cty.Value{"login": cty.StringVal("nobody")}},
		{
			Name:    "locked",
			Class:   failure.Credentials,
			Reason:  failure.CredentialsRejected,
			Arrange: change(func(a *sandbox.Account) { a.Locked = true }),
		},
		{Name: "endpoint not found", Class: failure.Config, Attribute: "base_url",
			Arrange: providertest.Answer(400, `{"statusCode":400,"message":"Endpoint not found"}`)},
	})
}

func certificateErrors() []providertest.Case {
	return providertest.WithOp(sandbox.OpLogin, []providertest.Case{
		{Name: "unknown certificate", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Arrange: change(func(a *sandbox.Account) { a.AstanaPlat.Certificate = "another" })},
		{Name: "incorrect credentials", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Arrange: providertest.Answer(422, `{"statusCode":422,"message":"Incorrect credentials"}`)},
		{Name: "authority does not find it", Class: failure.Config, Attribute: "certificate", Arrange: refusal(sandbox.AstanaCANotFound)},
		{Name: "authority fails", Class: failure.Retryable, Arrange: refusal(sandbox.AstanaCAFailed)},
		{Name: "authority answers otherwise", Class: failure.Retryable, Arrange: refusal(sandbox.AstanaCAUnknown)},
		{Name: "authority answers garbled", Class: failure.Retryable, Arrange: refusal(sandbox.AstanaCAGarbled)},
		{Name: "outdated", Class: failure.Human, Reason: failure.CertificateExpired, Arrange: refusal(sandbox.AstanaOutdated)},
		{Name: "expired by the upstream's clock", Class: failure.Human, Reason: failure.CertificateExpired,
			Arrange: func(_ *testing.T, s *sandbox.Sandbox) { s.Advance(2 * 365 * 24 * time.Hour) }},
	})
}

func commonErrors() []providertest.Case {
	answer := providertest.Answer
	return providertest.WithOp(sandbox.OpLogin, []providertest.Case{
		{Name: "server error", Class: failure.Retryable, Arrange: refusal(sandbox.AstanaServerError)},
		{Name: "500 with HTML", Class: failure.Server, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.HTML})},
		{Name: "500 without a code", Class: failure.Retryable, Arrange: answer(500, `{}`)},
		{Name: "another server error", Class: failure.Server, Arrange: answer(501, `{"statusCode":501,"message":"Incorrect credentials"}`)},
		{Name: "other letter case, spaces and dots", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Arrange: answer(422, `{"statusCode":422,"message":" INCORRECT  credentials.. "}`)},
		{Name: "unknown user, otherwise written", Class: failure.Credentials, Reason: failure.CredentialsRejected,
			Arrange: answer(400, `{"statusCode":400,"message":"user with given credentials not found.","data":[]}`)},
		{Name: "outdated without its last dot", Class: failure.Human, Reason: failure.CertificateExpired,
			Arrange: answer(400, `{"statusCode":400,"message":"certificate is outdated.Please get fresh one"}`)},
		{Name: "another 400", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(400, `{"statusCode":400,"message":"Incorrect credentials"}`)},
		{Name: "400 without a message", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(400, `{"statusCode":400}`)},
		{Name: "400 with a message of another type", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(400, `{"statusCode":400,"message":["Incorrect credentials"]}`)},
		{Name: "another 422", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(422, `{"statusCode":422,"message":"The login field is required"}`)},
		{Name: "401", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(401, `{"statusCode":401,"message":"Incorrect credentials"}`)},
		{Name: "403", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(403, `{"statusCode":403,"message":"Incorrect credentials"}`)},
		{Name: "404", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(404, `{"statusCode":404,"message":"Not found"}`)},
		{Name: "no code", Class: failure.Credentials, Reason: failure.CredentialsRejected, Arrange: answer(422, `{"message":"Incorrect credentials"}`)},
		{Name: "code of another type", Class: failure.Credentials, Reason: failure.CredentialsRejected, Arrange: answer(422, `{"statusCode":"422","message":"Incorrect credentials"}`)},
		{Name: "another code", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(400, `{"statusCode":422,"message":"Incorrect credentials"}`)},
		{Name: "rejection in HTTP 200", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"statusCode":422,"message":"Incorrect credentials"}`)},
		{Name: "rejection in HTTP 500", Class: failure.Server, Arrange: answer(500, `{"statusCode":422,"message":"Incorrect credentials"}`)},
		{Name: "success in HTTP 400", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(400, `{"statusCode":200,"data":{"token":"x"}}`)},
		{Name: "no data", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"statusCode":200,"message":"Access token created"}`)},
		{Name: "data is null", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"statusCode":200,"data":null}`)},
		{Name: "data is a list", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"statusCode":200,"data":[]}`)},
		{Name: "no token", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"statusCode":200,"data":{}}`)},
		{Name: "empty token", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"statusCode":200,"data":{"token":""}}`)},
		{Name: "token of another type", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"statusCode":200,"data":{"token":17}}`)},
		{Name: "token with a line break", Class: failure.Server, Reason: failure.UnclassifiedRefusal, Arrange: answer(200, `{"statusCode":200,"data":{"token":"a\nb"}}`)},
	})
}

// The account may name a read that tells whether a token is good.
func TestConformanceWithARead(t *testing.T) {
	reading := target()
	reading.Attributes["verify_path"] = cty.StringVal("/services")
	reading.Attributes["verify_method"], reading.Attributes["verify_body"] = cty.StringVal("POST"), cty.StringVal(`{"page":1}`)
	reading.Requests = append(reading.Requests, providertest.Request{
		Op: sandbox.OpVerify, Method: http.MethodPost, Path: "/services", Body: `{"page":1}`, AnyJSON: true,
		Header: map[string]string{"Authorization": "Bearer {token}", "Content-Type": "application/json"},
	})
	reading.Errors = readErrors()
	providertest.Run(t, reading)
}

// Without one nobody is asked, and nobody is told that somebody was.
func TestWithoutAReadThereIsNoVerification(t *testing.T) {
	for path, want := range map[string]bool{"": false, "/services": true} {
		attrs := map[string]cty.Value{}
		if path != "" {
			attrs["verify_path"] = cty.StringVal(path)
		}
		h := providertest.New(t, target(), providertest.WithAttributes(attrs))
		if _, ok := h.Provider.(providers.Verifier); ok != want {
			t.Errorf("%q: verifies = %v", path, ok)
		}
		if _, ok := h.Provider.(providers.Inspector); !ok {
			t.Errorf("%q: the certificate is not inspected", path)
		}
		if _, ok := h.Provider.(providers.Timekeeper); !ok {
			t.Errorf("%q: the certificate's end is not told", path)
		}
	}
}

func TestConformanceByPassword(t *testing.T) { providertest.Run(t, target()) }

func TestConformanceByCertificate(t *testing.T) { providertest.Run(t, certificateTarget()) }

func FuzzLogin(f *testing.F) {
	providertest.Fuzz(f, target(), sandbox.OpLogin, credential.Token{},
		`{"statusCode":200,"message":"Access token created","data":{"token":"a.b.c"}}`,
		`{"statusCode":400,"message":"Certificate is outdated. Please get fresh one."}`,
		`{"statusCode":422,"message":"Incorrect credentials"}`, `{"statusCode":400,"message":"User with given credentials not found"}`,
		`{"statusCode":200,"statusCode":422,"data":{"token":1,"token":"x"}}`)
}
