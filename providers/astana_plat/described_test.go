package astana_plat_test

import (
	"net/http"
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/credsync/credsync/testkit/upstreamfile"
	"github.com/zclconf/go-cty/cty"
)

// described is the target by its description. There is none for the login by certificate:
// an upstream block has no client_certificate.
func described(t *testing.T) providertest.Target {
	t.Helper()
	d := target()
	d.Spec = upstreamfile.Spec(t, "testdata/described.hcl", d.Spec.Name)
	return d
}

// The language of upstream blocks can say what this provider does.
func TestADescriptionOfItConforms(t *testing.T) {
	providertest.Run(t, described(t))
	providertest.RunAnswers(t, described(t), answers())
}

// The read that tells whether a token is good can only be a GET: a method stands in the
// block.
func TestADescriptionOfItConformsWithARead(t *testing.T) {
	reading := described(t)
	reading.Attributes["verify_path"] = cty.StringVal("/services")
	reading.Requests = append(reading.Requests, providertest.Request{
		Op: sandbox.OpVerify, Method: http.MethodGet, Path: "/services", AnyJSON: true,
		Header: map[string]string{"Authorization": "Bearer {token}", "Content-Type": ""},
	})
	reading.Errors = readErrors()
	providertest.Run(t, reading)
}

// readErrors are those of the read, whatever its method is.
func readErrors() []providertest.Case {
	return providertest.WithOp(sandbox.OpVerify, []providertest.Case{
		{Name: "revoked token", Class: failure.Credentials, Arrange: providertest.Fault(sandbox.Fault{Kind: sandbox.RevokedToken})},
		{Name: "read 403", Class: failure.Human, Reason: failure.NoAccess, Arrange: providertest.Answer(403, `{}`)},
		{Name: "read 404", Class: failure.Config, Attribute: "verify_path", Arrange: providertest.Answer(404, `{}`)},
	})
}
