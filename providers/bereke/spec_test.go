package bereke_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/credsync/credsync/providers/bereke"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/testkit/providertest"
	"github.com/zclconf/go-cty/cty"
)

func TestAttributeChecks(t *testing.T) {
	accepted := [][2]string{
		{"username", "логин"},
		{"public_key", sandbox.BerekePublicKey(0)},
		{"public_key_url", "https://bank.example/key"},
		{"basic_auth", "WEB:"},
		{"device_fingerprint", ""},
		{"device_fingerprint", "fp-1/2="},
		{"customer_id", "98765432109876543210"},
		{"customer_name", "ТОО \test\""},
		{"base_url", "https://api-test.berekebank.kz"},
		{"path", "/gateway/v2/auth:login"},
		{"public_key_field", "key"},
		{"public_key_field", "data.rsa.key"},
		{"grant_type", "password"},
		{"user_type", "bank&user=1"},
		{"padding", "pkcs1v15"},
		{"padding", "oaep_sha1"},
		{"padding", "oaep_sha256"},
		{"padding", "oaep_sha384"},
		{"padding", "oaep_sha512"},
		{"mgf1_digest", "sha1"},
		{"mgf1_digest", "sha256"},
		{"mgf1_digest", "sha384"},
		{"mgf1_digest", "sha512"},
	}
	refused := [][2]string{
		{"username", ""},
		{"password", ""},
		{"public_key", "canary"},
		{"public_key_url", "https://bank.example/key?x=y"},
		{"public_key_url", "bank.example/key"},
		{"basic_auth", "V0VCOg=="},
		{"device_fingerprint", "a\r\nb"},
		{"customer_id", ""},
		{"customer_id", "1e3"},
		{"customer_name", ""},
		{"base_url", "https://api-test.berekebank.kz/?x"},
		{"path", ""},
		{"path", "auth/oauth/token"},
		{"path", "/auth/oauth/token?grant_type=Password"},
		{"path", "/auth/../token"},
		{"path", "//elsewhere.example/token"},
		{"grant_type", ""},
		{"public_key_field", ""},
		{"public_key_field", "data..key"},
		{"public_key_id", ""},
		{"user_type", ""},
		{"user_type", "two words"},
		{"user_type", "физлицо"},
		{"padding", "none"},
		{"padding", "oaep"},
		{"mgf1_digest", "md5"},
	}
	providertest.CheckAttributes(t, bereke.Spec(), accepted, refused)
}

// What shapes the login lifts a remembered rejection; the choice of a customer
// does not, and how a token is verified changes neither it nor the login.
func TestEffects(t *testing.T) {
	for _, a := range bereke.Spec().Attributes {
		want := schema.ShapesLogin
		switch {
		case strings.HasPrefix(a.Name, "customer"):
			want = schema.ShapesToken
		case strings.HasPrefix(a.Name, "verify_"):
			want = schema.NoEffect
		}
		if a.Effect != want {
			t.Errorf("%s has effect %d, want %d", a.Name, a.Effect, want)
		}
	}
}

func TestAttributesThatDoNotFitTogether(t *testing.T) {
	unknown := cty.UnknownVal(cty.String)
	key, url := cty.StringVal(sandbox.BerekePublicKey(0)), cty.StringVal("https://bank.example/key")
	small := cty.StringVal(smallPEM(t))
	long := func(n int) cty.Value { return cty.StringVal(strings.Repeat("p", n)) }
	for _, c := range []struct {
		name  string
		attrs map[string]cty.Value
		want  string // a piece of the error; "" for none
	}{
		{"a key", map[string]cty.Value{"public_key": key}, ""},
		{"an address", map[string]cty.Value{"public_key_url": url}, ""},
		{"neither", nil, "public_key_url"},
		{"both", map[string]cty.Value{"public_key": key, "public_key_url": url}, "both set"},
		{"a key that is not known yet", map[string]cty.Value{"public_key": unknown}, ""},
		{"an address that is not known yet", map[string]cty.Value{"public_key": key, "public_key_url": unknown}, ""},
		{"both customers", map[string]cty.Value{"public_key": key, "customer_id": cty.StringVal("1"), "customer_name": cty.StringVal("A")}, "both set"},
		{"a customer's name alone", map[string]cty.Value{"public_key": key, "customer_name": cty.StringVal("A")}, ""},
		{"a customer's id alone", map[string]cty.Value{"public_key": key, "customer_id": cty.StringVal("1")}, ""},
		{"a customer that is not known yet", map[string]cty.Value{"public_key": key, "customer_id": cty.StringVal("1"), "customer_name": unknown}, ""},
		{"an address in clear", map[string]cty.Value{"public_key_url": cty.StringVal("http://bank.example/key")}, "https://"},
		{"an address in clear, of a loopback", map[string]cty.Value{"public_key_url": cty.StringVal("http://127.0.0.1/key")}, ""},
		{"everything in clear", map[string]cty.Value{"public_key_url": cty.StringVal("http://bank.example/key"), "base_url": cty.StringVal("http://bank.example")}, ""},
		{"a field of an answer", map[string]cty.Value{"public_key_url": url, "public_key_field": cty.StringVal("data.key"), "public_key_id": cty.StringVal("1")}, ""},
		{"a field of no answer", map[string]cty.Value{"public_key": key, "public_key_field": cty.StringVal("data.key")}, "public_key_url"},
		{"the id of a key in no answer", map[string]cty.Value{"public_key": key, "public_key_id": cty.StringVal("1")}, "public_key_url"},
		{"password that just fits", map[string]cty.Value{"public_key": small, "password": long(117)}, ""},
		{"password too long", map[string]cty.Value{"public_key": small, "password": long(118)}, "at most 117 bytes"},
		{"password that just fits OAEP", map[string]cty.Value{"public_key": small, "password": long(62), "padding": cty.StringVal("oaep_sha256")}, ""},
		{"password too long for OAEP", map[string]cty.Value{"public_key": small, "password": long(63), "padding": cty.StringVal("oaep_sha256")}, "at most 62 bytes"},
		{"password too long for OAEP with SHA-1", map[string]cty.Value{"public_key": small, "password": long(87), "padding": cty.StringVal("oaep_sha1")}, "at most 86 bytes"},
		{"an id that is not known yet", map[string]cty.Value{"public_key": key, "customer_id": unknown, "customer_name": cty.StringVal("A")}, ""},
		{"a mask with an OAEP padding", map[string]cty.Value{"public_key": key, "padding": cty.StringVal("oaep_sha256"), "mgf1_digest": cty.StringVal("sha1")}, ""},
		{"a mask without one", map[string]cty.Value{"public_key": key, "mgf1_digest": cty.StringVal("sha1")}, "needs an OAEP padding"},
		{"a mask with a padding that is not known yet", map[string]cty.Value{"public_key": key, "padding": unknown, "mgf1_digest": cty.StringVal("sha1")}, ""},
		{"user name too long", map[string]cty.Value{"public_key": small, "username": long(118)}, "username"},
		{"password that is not known yet", map[string]cty.Value{"public_key": small, "password": unknown}, ""},
		{"padding that is not known yet", map[string]cty.Value{"public_key": small, "password": long(118), "padding": unknown}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string]cty.Value{
				"username": cty.StringVal("someone"), "password": cty.StringVal("canary-1"), "base_url": cty.StringVal("https://bank.example"),
			}
			for name, v := range c.attrs {
				all[name] = v
			}
			err := bereke.Spec().Check(schema.NewValues(bereke.Spec().Block(), "", all, nil))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Error("the error quotes a secret")
			}
		})
	}
}

func smallPEM(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&key.PublicKey)}))
}

// The emulator takes each padding from the accounts that are set to it, and no
// other.
func TestPaddings(t *testing.T) {
	type padding struct{ name, mgf1 string }
	paddings := []padding{
		{"pkcs1v15", ""}, {"oaep_sha1", ""}, {"oaep_sha256", ""}, {"oaep_sha256", "sha1"}, {"oaep_sha384", ""}, {"oaep_sha512", ""},
	}
	for _, theirs := range paddings {
		for _, ours := range paddings {
			attrs := map[string]cty.Value{"padding": cty.StringVal(ours.name)}
			if ours.mgf1 != "" {
				attrs["mgf1_digest"] = cty.StringVal(ours.mgf1)
			}
			b := newBank(t, attrs)
			b.Update(
				"bereke",
				username,
				func(a *sandbox.Account) { a.Bereke.Padding, a.Bereke.MGF1Digest = theirs.name, theirs.mgf1 },
			)
			if _, err := b.provider.Login(t.Context()); (err == nil) != (ours == theirs) {
				t.Errorf("%v against %v: %v", ours, theirs, err)
			}
		}
	}
}
