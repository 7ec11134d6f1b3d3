package astana_plat_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/certificates"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

func TestLifetime(t *testing.T) {
	exp := time.Now().Add(3 * time.Hour).UTC().Truncate(time.Second)
	signed := providertest.JWT(t, exp)
	good := func(token string) string {
		return `{"statusCode":200,"message":"Access token created","data":{"token":"` + token + `"}}`
	}
	ttl := map[string]cty.Value{"token_ttl": cty.StringVal("20m")}
	t.Run("as the claim says", func(t *testing.T) {
		h := providertest.New(t, target(), providertest.WithAttributes(ttl))
		providertest.Answer(200, good(signed))(t, h.Sandbox)
		if got := h.Login(t).ExpiresAt; !got.Equal(exp) {
			t.Errorf("expires at %v, want %v", got, exp)
		}
	})
	t.Run("as configured", func(t *testing.T) {
		h := providertest.New(t, target(), providertest.WithAttributes(ttl))
		providertest.Answer(200, good("opaque"))(t, h.Sandbox)
		if got := h.Login(t).Lifetime(); got != 20*time.Minute {
			t.Errorf("lives %v, want token_ttl", got)
		}
	})
	t.Run("by default", func(t *testing.T) {
		h := providertest.New(t, target())
		h.Sandbox.Update("astana_plat", login, func(a *sandbox.Account) { a.AstanaPlat.Opaque = true })
		if got := h.Login(t).Lifetime(); got != time.Hour {
			t.Errorf("lives %v, want an hour", got)
		}
	})
}

func TestLoginEndsTheTokenBeforeIt(t *testing.T) {
	h := providertest.New(t, target())
	first, second := h.Login(t), h.Login(t)
	for token, want := range map[string]bool{first.Access.Reveal(): false, second.Access.Reveal(): true} {
		if _, live := h.Sandbox.Live("astana_plat", token); live != want {
			t.Errorf("live is %v, want %v", live, want)
		}
	}
}

// The account's old token is dead after each of these, or may be: the engine
// must hear of it, and the login must not be sent again.
func TestLostAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		make func() providertest.Target
	}{{"password", target}, {"certificate", certificateTarget}} {
		for _, kind := range []sandbox.Kind{sandbox.DropAnswer, sandbox.Truncated} {
			t.Run(c.name+" "+string(kind), func(t *testing.T) {
				h := providertest.New(t, c.make())
				before := h.Login(t)
				providertest.Fault(sandbox.Fault{Kind: kind, Count: 1})(t, h.Sandbox)
				e := refused(t, h)
				if e.Class != failure.Retryable || !e.AnswerLost {
					t.Errorf("class %q, AnswerLost %v: %v", e.Class, e.AnswerLost, e)
				}
				if _, live := h.Sandbox.Live("astana_plat", before.Access.Reveal()); live {
					t.Error("the emulator did not process the login")
				}
				if n := h.Sandbox.Counters("astana_plat", login).Logins.Received; n != 2 {
					t.Errorf("%d logins were sent, want 2", n)
				}
			})
		}
	}
}

func TestAnswerOfSuccessWithoutATokenCountsAsLost(t *testing.T) {
	for body, lost := range map[string]bool{
		`{"statusCode":200,"data":{}}`:              true,
		`{"statusCode":200,"data":{"token":"a b"}}`: true,
		`not JSON`: true,
		`{"statusCode":400,"message":"Error. Try later"}`:          true,
		`{"statusCode":200,"message":"","data":{"token":["x"]}}`:   true,
		`{"statusCode":200,"message":"","data":{"token":"x","a":`:  true,
		`{"statusCode":201,"message":"ok","data":{"token":"new"}}`: true,
	} {
		h := providertest.New(t, target())
		providertest.Answer(200, body)(t, h.Sandbox)
		if e := refused(t, h); e.Class != failure.Server || e.AnswerLost != lost {
			t.Errorf("%s: class %q, AnswerLost %v", body, e.Class, e.AnswerLost)
		}
	}
	h := providertest.New(t, target())
	providertest.Answer(400, `{"statusCode":400,"message":"Error. Try later"}`)(t, h.Sandbox)
	if e := refused(t, h); !e.AnswerLost {
		t.Error("an answer to try again does not say that nothing was processed")
	}
	if n := h.Sandbox.Counters("astana_plat", login).Logins.Received; n != 3 {
		t.Errorf("%d logins were sent, and the document says to try again", n)
	}
	h = providertest.New(t, target())
	providertest.Answer(422, `{"statusCode":422,"message":"Incorrect credentials"}`)(t, h.Sandbox)
	if e := refused(t, h); e.AnswerLost {
		t.Error("a refusal that was read is not lost")
	}
}

func TestForeignCertificateIsRefusedWithoutALogin(t *testing.T) {
	for name, foreign := range map[string]providertest.Target{
		"in Go": certificateTarget(), "described": described(t, certificateTarget()),
	} {
		t.Run(name, func(t *testing.T) { testForeignCertificate(t, foreign) })
	}
}

func testForeignCertificate(t *testing.T, foreign providertest.Target) {
	foreign.Blocks = func(t *testing.T, _ *sandbox.Sandbox) map[string][]schema.Values {
		own := certificates.New(t, certificate, certificates.ECDSA(t), nil)
		return block(map[string]string{"cert_pem": own.PEM(), "key_pem": certificates.PKCS8(t, own.Key)})
	}
	h := providertest.New(t, foreign)
	e := refused(t, h)
	if e.Class != failure.Config || e.AnswerLost || !strings.Contains(e.Message+e.Advice, "client certificate") {
		t.Errorf("%+v", *e)
	}
	if n := len(h.Sandbox.Violations()); n != 0 || h.Sandbox.Counters("astana_plat", "").Logins.Received != 0 {
		t.Error("a request got through")
	}
}

func TestServiceThatRepeatsTheCredentials(t *testing.T) {
	for _, status := range []string{"400", "422", "500"} {
		h := providertest.New(t, target())
		body := `{"statusCode":` + status + `,"message":"user ` + login + ` unknown"}`
		providertest.Fault(
			sandbox.Fault{
				Kind:   sandbox.Status,
				Status: map[string]int{"400": 400, "422": 422, "500": 500}[status],
				Body:   body,
			},
		)(
			t,
			h.Sandbox,
		)
		if e := refused(t, h); strings.Contains(e.Error()+e.Advice, "shop-17") {
			t.Errorf("the login is in the error: %v", e)
		}
	}
}

// refused logs in, which must fail.
func refused(t *testing.T, h *providertest.Harness) *failure.Error {
	t.Helper()
	_, err := h.Do(t.Context(), sandbox.OpLogin, credential.Token{})
	var e *failure.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want *failure.Error", err)
	}
	return e
}
