package bereke_test

import (
	_ "embed"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

// sample is the document's example as it stands there, with its empty token.
//
//go:embed testdata/sample.json
var sample string

// sampleWithToken is what the bank meant.
var sampleWithToken = strings.Replace(sample, `"access_token":""`, `"access_token":"opaque-token"`, 1)

func TestDocumentedSample(t *testing.T) {
	h := providertest.New(t, target(), providertest.WithAttributes(byName("ТОО Test тест тест тест тест тест тест тест тест ")))
	providertest.Answer(200, sampleWithToken)(t, h.Sandbox)
	token := h.Login(t)
	out, err := h.Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	const id = "111111"
	var customers []map[string]string
	for _, name := range []string{tabbed, "Test", "ИП Test.", "АО Test", "Test", "ИП Test",
		"ТОО Test тест тест тест тест тест тест тест тест ", "АО Test", "ТОО Test", "ИП Test", "ИП test"} {
		customers = append(customers, map[string]string{"id": id, "name": name})
	}
	want := credential.Outputs{
		"scope": "ALL", "chain_type": "EMPTY", "role": "ANONYMOUS", "user_id": "111111111111", "jti": "74531e41-0560-49b5-a2f8-def49731d390",
		"cus_unique_idn": "111111111111", "customer_user_id": "0", "user_type": "customer", "role_id": "0", "role_version": "0",
		"otp_strategy": "UNDEFINED", "is_device_trusted": false, "suggest_add_device": false, "can_skip": false,
		"customers": customers, "customer_id": id, "customer_name": "ТОО Test тест тест тест тест тест тест тест тест ",
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	if token.Lifetime() != 899*time.Second || !token.Refresh.IsZero() {
		t.Errorf("lives %v, want 899s and no refresh token", token.Lifetime())
	}
}

func TestTokensCannotBeRefreshed(t *testing.T) {
	h := providertest.New(t, target())
	if _, ok := h.Provider.(providers.Refresher); ok {
		t.Error("no refresh is documented")
	}
	if token := h.Login(t); token.Refresh.IsZero() {
		t.Error("the refresh token that came is lost")
	}
}

func TestOptionalFieldsMayBeOfAnyForm(t *testing.T) {
	customers := []map[string]string{{"id": "5", "name": "A"}}
	for name, c := range map[string]struct {
		fields string
		want   credential.Outputs
	}{
		"absent": {`"x":1`, nil},
		"null": {`"refresh_token":null,"expires_in":null,"token_type":null,"scope":null,"role":null,"chain_type":null,"jti":null,"user_id":null,
			"is_password_change":null,"possible_chains":null`, nil},
		"Jti":                        {`"Jti":"a"`, credential.Outputs{"jti": "a"}},
		"JTI":                        {`"JTI":"a"`, credential.Outputs{"jti": "a"}},
		"role an object":             {`"role":{"id":1,"code":"x"}`, nil},
		"role twice":                 {`"role":"CHIEF","role":{"id":1}`, credential.Outputs{"role": "CHIEF"}},
		"user_id a string":           {`"user_id":"18446744073709551617"`, credential.Outputs{"user_id": "18446744073709551617"}},
		"external id a number":       {`"customer_external_id":18446744073709551617`, credential.Outputs{"customer_external_id": "18446744073709551617"}},
		"external id a string":       {`"customer_external_id":"KZ-7"`, credential.Outputs{"customer_external_id": "KZ-7"}},
		"what has no type":           {`"sign_level":2,"bank_branch_code":"A\u0031","otp_strategy":{"a":1}`, credential.Outputs{"sign_level": "2", "bank_branch_code": "A1"}},
		"a device that is trusted":   {`"is_device_trusted":true,"can_skip":"yes"`, credential.Outputs{"is_device_trusted": true}},
		"created without a fraction": {`"created":"2025-02-17T16:39:46"`, nil},
		"created with 9 digits":      {`"created":"2025-02-17T16:39:46.054123456"`, nil},
		"created that is not a time": {`"created":17`, nil},
		"a customer that has no id":  {`"customers":[{"id":5,"name":"A"},{"id":null,"name":"B"}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := providertest.New(t, target())
			providertest.Answer(200, `{"access_token":"opaque-token","customers":[{"id":5,"name":"A"}],`+c.fields+`}`)(t, h.Sandbox)
			want := credential.Outputs{"customers": customers}
			maps.Copy(want, c.want)
			token := h.Login(t)
			if diff := cmp.Diff(want, token.Outputs); diff != "" {
				t.Error(diff)
			}
			if token.Lifetime() != 899*time.Second {
				t.Errorf("lives %v, want the documented 899s", token.Lifetime())
			}
		})
	}
}

func TestEarlierExpiryCounts(t *testing.T) {
	soon := time.Now().Add(5 * time.Minute).Truncate(time.Second)
	for _, c := range []struct {
		name, token, expiresIn string
		want                   time.Duration
	}{
		{"the claim is earlier", providertest.JWT(t, soon), "899", 0},
		{"the answer is earlier", providertest.JWT(t, soon), "60", time.Minute},
		{"only the answer", "opaque", `"1800"`, 30 * time.Minute},
		{"a fraction", "opaque", "1800.0", 30 * time.Minute},
		{"neither", "opaque", "null", 899 * time.Second},
		{"zero", "opaque", "0", 899 * time.Second},
		{"negative", "opaque", "-5", 899 * time.Second},
		{"beyond reason", "opaque", "1e300", 899 * time.Second},
		{"a year", "opaque", "31536000", 365 * 24 * time.Hour},
		{"more than a year", "opaque", "31536001", 899 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := providertest.New(t, target())
			providertest.Answer(200, `{"access_token":"`+c.token+`","expires_in":`+c.expiresIn+`}`)(t, h.Sandbox)
			token := h.Login(t)
			if c.want == 0 && !token.ExpiresAt.Equal(soon) || c.want != 0 && token.Lifetime() != c.want {
				t.Errorf("expires at %v, lives %v", token.ExpiresAt, token.Lifetime())
			}
		})
	}
}

func FuzzLogin(f *testing.F) {
	providertest.Fuzz(f, target(), sandbox.OpLogin, credential.Token{}, sample, sampleWithToken,
		`{"error":"invalid_grant","error_description":"заблокирован"}`, `{"access_token":"","possible_chains":[{}]}`, `{"access_token":1,"access_token":"x"}`)
}

func TestAttributesReachTheHeaders(t *testing.T) {
	h := providertest.New(t, target(), providertest.WithAttributes(map[string]cty.Value{"device_fingerprint": cty.StringVal(fingerprint)}))
	h.Login(t)
	if v := h.Sandbox.Violations(); len(v) > 0 {
		t.Error(v)
	}
	h = providertest.New(t, target(), providertest.WithAttributes(map[string]cty.Value{"basic_auth": cty.StringVal("OTHER:secret")}))
	if _, err := h.Provider.Login(t.Context()); err == nil || len(h.Sandbox.Violations()) != 1 {
		t.Errorf("another client: %v, violations %q", err, h.Sandbox.Violations())
	}
}
