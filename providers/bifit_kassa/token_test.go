package bifit_kassa_test

import (
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

// The digests were made with openssl, so that the code does not judge itself:
// printf %s PASSWORD | openssl dgst -sha256 -binary | base64.
func TestPasswordEncodings(t *testing.T) {
	for _, c := range []struct{ password, encoding, sent string }{
		{password, "std_padded", "ueeSHbcyoPM7g3%2F6lrZ%2FByvPI6%2FAgpSTO%2BLrM%2BQ%2FWt4%3D"},
		{password, "std_unpadded", "ueeSHbcyoPM7g3%2F6lrZ%2FByvPI6%2FAgpSTO%2BLrM%2BQ%2FWt4"},
		{password, "url_padded", "ueeSHbcyoPM7g3_6lrZ_ByvPI6_AgpSTO-LrM-Q_Wt4%3D"},
		{password, "url_unpadded", "ueeSHbcyoPM7g3_6lrZ_ByvPI6_AgpSTO-LrM-Q_Wt4"},
		{"Пароль &=+12", "std_padded", "%2BaUuJsw%2FqrTOHtS9Wsx7sIZGJ7RXn5NSA7s4Hk%2FRHd4%3D"},
		{"Пароль &=+12", "url_unpadded", "-aUuJsw_qrTOHtS9Wsx7sIZGJ7RXn5NSA7s4Hk_RHd4"},
	} {
		t.Run(c.password+" "+c.encoding, func(t *testing.T) {
			want := target()
			want.Account.Password = c.password
			want.Account.BifitKassa.PasswordEncoding = c.encoding
			want.Attributes["password"] = cty.StringVal(c.password)
			want.Attributes["password_encoding"] = cty.StringVal(c.encoding)
			want.Requests = want.Requests[:1]
			want.Requests[0].Body = clientForm + "&grant_type=password&password=" + c.sent + "&username=" + username
			providertest.RunRequests(t, want)
		})
	}
}

func TestRefreshTokenIsSpentOnce(t *testing.T) {
	h := providertest.New(t, target())
	old := h.Login(t)
	token, err := h.Do(t.Context(), sandbox.OpRefresh, old)
	if err != nil {
		t.Fatal(err)
	}
	if token.Refresh.IsZero() || token.Refresh.Equal(old.Refresh) || token.Access.Equal(old.Access) {
		t.Error("want a new token and a new refresh token")
	}
	if diff := cmp.Diff(target().Outputs, token.Outputs); diff != "" {
		t.Error(diff)
	}
	providertest.WantClass(t, errOf(h.Do(t.Context(), sandbox.OpRefresh, old)), failure.Credentials, "")
	if _, err := h.Do(t.Context(), sandbox.OpRefresh, token); err != nil {
		t.Errorf("the new refresh token: %v", err)
	}
	if n := h.Sandbox.Counters("bifit_kassa", username).SpentRefreshes; n != 1 {
		t.Errorf("%d refreshes with a spent token, want 1", n)
	}
}

// The upstream has spent the refresh token though nobody got the new one.
func TestLostAnswerOfARefreshSpendsTheToken(t *testing.T) {
	h := providertest.New(t, target())
	old := h.Login(t)
	providertest.Fault(sandbox.Fault{Kind: sandbox.DropAnswer, Op: sandbox.OpRefresh, Count: 1})(t, h.Sandbox)
	if e := providertest.WantClass(t, errOf(h.Do(t.Context(), sandbox.OpRefresh, old)), failure.Retryable,
		""); !e.AnswerLost {
		t.Error("the error must say that the answer was lost")
	}
	if n := h.Sandbox.Counters("bifit_kassa", username).Refreshes.Received; n != 1 {
		t.Errorf("the refresh was sent %d times, want once", n)
	}
	providertest.WantClass(t, errOf(h.Do(t.Context(), sandbox.OpRefresh, old)), failure.Credentials, "")
}

func TestOldRefreshTokenIsKeptIfNoneComes(t *testing.T) {
	want := target()
	want.Account.BifitKassa.KeepRefresh = true
	h := providertest.New(t, want)
	old := h.Login(t)
	for range 2 {
		token, err := h.Do(t.Context(), sandbox.OpRefresh, old)
		if err != nil {
			t.Fatal(err)
		}
		if token.Refresh.IsZero() || !token.Refresh.Equal(old.Refresh) {
			t.Fatal("the refresh token was lost")
		}
	}
}

func TestRefreshWithoutMaterialSendsNothing(t *testing.T) {
	h := providertest.New(t, target())
	token := h.Login(t)
	token.Refresh = credential.Secret{}
	providertest.WantClass(t, errOf(h.Do(t.Context(), sandbox.OpRefresh, token)), failure.Credentials, "")
	if n := h.Sandbox.Counters("bifit_kassa", username).Refreshes.Received; n != 0 {
		t.Errorf("%d refreshes were sent", n)
	}
}

func TestDeflatedAnswers(t *testing.T) {
	for _, kind := range []string{"zlib", "raw"} {
		t.Run(kind, func(t *testing.T) {
			want := target()
			want.Account.BifitKassa.Deflate = kind
			want.Account.BifitKassa.Opaque = true
			h := providertest.New(t, want)
			token := h.Login(t)
			if _, err := h.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
			if _, err := h.Do(t.Context(), sandbox.OpRefresh, token); err != nil {
				t.Error(err)
			}
			change(func(a *sandbox.Account) { a.Password = "another" })(t, h.Sandbox)
			_, err := h.Provider.Login(t.Context())
			providertest.WantClass(t, err, failure.Credentials, failure.CredentialsRejected)
		})
	}
}

func TestExpiry(t *testing.T) {
	soon := time.Now().Add(time.Hour).Truncate(time.Second)
	short := providertest.JWT(t, soon)
	for _, c := range []struct {
		name, token, expiresIn string
		want                   time.Duration
	}{
		{"as the answer says", "opaque", `600`, 600 * time.Second},
		{"as a string", "opaque", `"600"`, 600 * time.Second},
		{"not said", "opaque", `null`, 43199 * time.Second},
		{"no number", "opaque", `"soon"`, 43199 * time.Second},
		{"zero", "opaque", `0`, 43199 * time.Second},
		{"beyond all reason", "opaque", `1e300`, 43199 * time.Second},
		{"ten years", "opaque", `315360000`, 10 * 365 * 24 * time.Hour},
		{"more than ten years", "opaque", `315360001`, 43199 * time.Second},
		{"another type", "opaque", `{}`, 43199 * time.Second},
		{"the claim is earlier", short, `43199`, 0},
		{"only the claim", short, `null`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target())
			providertest.Answer(200, `{"access_token":"`+c.token+`","expires_in":`+c.expiresIn+`}`)(t, h.Sandbox)
			token := h.Login(t)
			if c.want == 0 && !token.ExpiresAt.Equal(soon) || c.want != 0 && token.Lifetime() != c.want {
				t.Errorf("expires at %v, %v after it was issued", token.ExpiresAt, token.Lifetime())
			}
		})
	}
}

func TestVerifyWithoutAPathLooksAtTheClaim(t *testing.T) {
	for _, c := range []struct {
		name string
		exp  time.Duration
		ok   bool
	}{{"to come", time.Minute, true}, {"over", -time.Minute, false}} {
		t.Run(c.name, func(t *testing.T) {
			value := providertest.JWT(t, time.Now().Add(c.exp))
			h := providertest.New(
				t,
				target(),
				providertest.WithAttributes(map[string]cty.Value{"verify_path": cty.NullVal(cty.String)}),
			)
			_, err := h.Verify(t.Context(), credential.Token{Access: credential.NewSecret(value)})
			if c.ok && err != nil {
				t.Error(err)
			}
			if !c.ok {
				providertest.WantClass(t, err, failure.Credentials, "")
			}
			if diff := cmp.Diff(sandbox.Counters{}, h.Sandbox.Counters("bifit_kassa", username)); diff != "" {
				t.Errorf("a request was sent:\n%s", diff)
			}
		})
	}
}

// A token is not lost because of a field that nobody needs.
func TestOutputsOfUnusualTypes(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   credential.Outputs
	}{
		{`"user_id":"u-17","scope":["read","write"],"token_type":"Bearer"`, credential.Outputs{"user_id": "u-17", "scope": "read write", "token_type": "Bearer"}},
		{`"user_id":null,"scope":null`, credential.Outputs{}},
		{`"user_id":1.5,"scope":{},"token_type":7,"jti":"x"`, credential.Outputs{}},
	} {
		h := providertest.New(t, target())
		providertest.Answer(200, `{"access_token":"x",`+c.fields+`}`)(t, h.Sandbox)
		if diff := cmp.Diff(c.want, h.Login(t).Outputs); diff != "" {
			t.Errorf("%s:\n%s", c.fields, diff)
		}
	}
}

// sample is the document's example, as JSON.
const sample = `{"access_token":"eyJhbGciOiJSUzI1NiI...YQqpk7w","token_type":"bearer","refresh_token":"dfowYbGcdiJSUzxs67.._782S_MQ",
"expires_in":43199,"scope":"read write","user_id":4567}`

func TestDocumentedSample(t *testing.T) {
	h := providertest.New(t, target())
	providertest.Answer(200, sample)(t, h.Sandbox)
	token := h.Login(t)
	if diff := cmp.Diff(credential.Outputs{"token_type": "bearer", "scope": "read write", "user_id": "4567"}, token.Outputs); diff != "" {
		t.Error(diff)
	}
	if token.Refresh.Reveal() != "dfowYbGcdiJSUzxs67.._782S_MQ" || token.Lifetime() != 43199*time.Second {
		t.Errorf("another refresh token, or a life of %v", token.Lifetime())
	}
}

func FuzzLogin(f *testing.F) {
	providertest.Fuzz(f, target(), sandbox.OpLogin, credential.Token{}, sample,
		`{"error":"mfa_required","error_description":"Требуется"}`, `{"error":"invalid_grant"}`, `{"access_token":"x","expires_in":"1e400","user_id":1e9}`)
}

func FuzzRefresh(f *testing.F) {
	old := credential.Token{Access: credential.NewSecret("a-token-0123456789"), Refresh: credential.NewSecret("dfowYbGcdiJSUzxs67.._782S_MQ")}
	providertest.Fuzz(f, target(), sandbox.OpRefresh, old, sample, `{"error":"invalid_grant","error_description":"dfowYbGcdiJSUzxs67.._782S_MQ"}`)
}

func FuzzVerify(f *testing.F) {
	providertest.Fuzz(f, target(), sandbox.OpVerify, credential.Token{Access: credential.NewSecret("a-token-0123456789")},
		`[{"id":1}]`, `{"error":"invalid_token","error_description":"a-token-0123456789"}`)
}

func errOf(_ credential.Token, err error) error { return err }
