package astana_plat_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/credsync/credsync/testkit/upstreamfile"
	"github.com/zclconf/go-cty/cty"
)

// described is a target by its description.
func described(t *testing.T, d providertest.Target) providertest.Target {
	t.Helper()
	d.Spec = upstreamfile.Spec(t, "testdata/described.hcl", d.Spec.Name)
	return d
}

// The language of upstream blocks can say what this provider does.
func TestADescriptionOfItConforms(t *testing.T) {
	for name, d := range map[string]providertest.Target{"password": target(), "certificate": certificateTarget()} {
		t.Run(name, func(t *testing.T) {
			providertest.Run(t, described(t, d))
			providertest.RunAnswers(t, described(t, d), answers())
		})
	}
}

// The dates of a certificate are known to plan without a request.
func TestADescriptionKnowsTheDatesOfACertificate(t *testing.T) {
	h := providertest.New(t, described(t, certificateTarget()))
	clocks := h.Provider.(providers.Timekeeper).Clocks(providers.Seen{})
	if len(clocks) != 1 || clocks[0].Name != providers.ClientCertificate || !clocks[0].At.Equal(certificateEnds) {
		t.Errorf("the clocks are %+v", clocks)
	}
	found := h.Provider.(providers.Inspector).Inspect(certificateEnds.Add(time.Second), providers.Seen{})
	if len(found) != 1 || found[0].Blocked != failure.CertificateExpired {
		t.Errorf("found %+v", found)
	}
	if n := h.Sandbox.Counters("astana_plat", login).Logins.Received; n != 0 {
		t.Errorf("%d requests were sent to look at a certificate", n)
	}
}

// The read that tells whether a token is good can only be a GET: a method stands in the
// block.
func TestADescriptionOfItConformsWithARead(t *testing.T) {
	reading := described(t, target())
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
