package bifit_kassa_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers/bifit_kassa"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

// hexHash is the digest as most tools write it.
var hexHash = func() string {
	digest, err := base64.StdEncoding.DecodeString(hash)
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(digest)
}()

func TestAttributeChecks(t *testing.T) {
	accepted := [][2]string{
		{"username", "79001234567"},
		{"password_hash", hash},
		{"password_hash", strings.TrimRight(hash, "=")},
		{"password_hash", "ueeSHbcyoPM7g3_6lrZ_ByvPI6_AgpSTO-LrM-Q_Wt4="},
		{"password_hash", "ueeSHbcyoPM7g3_6lrZ_ByvPI6_AgpSTO-LrM-Q_Wt4"},
		{"password_hash", hexHash},
		{"password_hash", strings.ToUpper(hexHash)},
		{"base_url", "https://kassa.bifit.com/cashdesk-api/v1"},
		{"verify_path", "/organizations"},
		{"verify_path", "/users/me"},
		{"password_encoding", "std_padded"},
		{"password_encoding", "std_unpadded"},
		{"password_encoding", "url_padded"},
		{"password_encoding", "url_unpadded"},
		{"username_format", "phone"},
		{"username_format", "any"},
		{"mfa_grant_type", "mfa"},
		{"mfa_grant_type", "password"},
		{"verify_body", "{}"},
		{"verify_body", ` [{"a":1}] `},
	}
	refused := [][2]string{
		{"username", ""},
		{"password", ""},
		{"password_hash", ""},
		{"password_hash", "pa ss+w/rd=1"},
		{"password_hash", hash + "\n"},
		{"password_hash", hash[:20] + "\n" + hash[20:]},
		{"password_hash", hexHash + "g"},
		{"password_hash", hash[:43] + "5="},
		{"password_hash", hash[:40]},
		{"password_hash", "b9e7921db732a0f33b837ffa96b67f072bcf23afc08294933be2eb33e43f5b"},
		{"client_id", ""},
		{"client_secret", ""},
		{"base_url", "https://kassa.bifit.com/cashdesk-api/v1?x=y"},
		{"verify_path", "organizations"},
		{"verify_path", "/organizations?token=x"},
		{"verify_path", "/organizations#x"},
		{"verify_path", "/a/../oauth/token"},
		{"verify_path", "//example.com"},
		{"verify_path", ""},
		{"verify_body", ""},
		{"verify_body", "a=b"},
		{"verify_body", "7"},
		{"password_encoding", "hex"},
		{"username_format", "email"},
		{"mfa_grant_type", "otp"},
	}
	providertest.CheckAttributes(t, bifit_kassa.Spec(), accepted, refused)
}

func TestAttributesThatDoNotFitTogether(t *testing.T) {
	unknown, pass, user := cty.UnknownVal(cty.String), cty.StringVal("canary-1"), cty.StringVal(username)
	other := func(name string) map[string]cty.Value {
		return map[string]cty.Value{"username": cty.StringVal(name), "password": pass}
	}
	read := func(more map[string]string) map[string]cty.Value {
		attrs := other(username)
		for name, value := range more {
			attrs[name] = cty.StringVal(value)
		}
		return attrs
	}
	for _, c := range []struct {
		name  string
		attrs map[string]cty.Value
		want  string // a piece of the error; "" for none
	}{
		{"a password", map[string]cty.Value{"username": user, "password": pass}, ""},
		{"a digest", map[string]cty.Value{"username": user, "password_hash": cty.StringVal(hash)}, ""},
		{"both", map[string]cty.Value{"username": user, "password": pass, "password_hash": cty.StringVal(hash)}, "both set"},
		{"neither", map[string]cty.Value{"username": user}, "there is no password"},
		{"a password that is not known yet", map[string]cty.Value{"username": user, "password": unknown}, ""},
		{"a digest that is not known yet", map[string]cty.Value{"username": user, "password": pass, "password_hash": unknown}, ""},
		{"with a plus", other("+79001234567"), "username:"},
		{"with an eight", other("89001234567"), "username:"},
		{"too short", other("7900123456"), "username:"},
		{"too long", other("790012345678"), "username:"},
		{"with spaces", other("7 900 123-45-67"), "username:"},
		{"with a line break", other("79001234567\n"), "username:"},
		{"a username that is not known yet", map[string]cty.Value{"username": unknown, "password": pass}, ""},
		{"a POST", read(map[string]string{"verify_path": "/organizations", "verify_method": "POST", "verify_body": "{}"}), ""},
		{"a POST without a body", read(map[string]string{"verify_path": "/organizations", "verify_method": "POST"}), ""},
		{"a body of a GET", read(map[string]string{"verify_path": "/organizations", "verify_body": "{}"}), "only a POST has a body"},
		{"a method of nothing", read(map[string]string{"verify_method": "POST"}), "set verify_path"},
		{"a body of nothing", read(map[string]string{"verify_body": "{}"}), "set verify_path"},
		{"another form", map[string]cty.Value{"username": cty.StringVal("till@example.com"), "username_format": cty.StringVal("any"), "password": pass}, ""},
		{"a form that is not known yet", map[string]cty.Value{"username": cty.StringVal("till@example.com"), "username_format": unknown, "password": pass}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := bifit_kassa.Spec()
			err := spec.Check(schema.NewValues(spec.Block(), "", c.attrs, nil))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			case err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), c.attrs["username"].AsString())):
				t.Error("the error quotes a secret")
			}
		})
	}
}
