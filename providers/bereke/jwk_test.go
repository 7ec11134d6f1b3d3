package bereke

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/testkit/providertest"
)

// rsaJWK is the small key as a JWK, with members added to it.
func rsaJWK(members string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"kty":"RSA","n":"%s","e":"%s"%s}`,
		encode(smallKey().N.Bytes()), encode(big.NewInt(int64(smallKey().E)).Bytes()), members)
}

func TestKeysInASet(t *testing.T) {
	other := `{"kty":"RSA","kid":"other","n":"` + base64.RawURLEncoding.EncodeToString(largerKey().N.Bytes()) + `","e":"AQAB"%s}`
	private := rsaJWK(`,"d":"AQAB","p":"AQ","q":"AQ"`)
	for _, c := range []struct {
		name string
		keys []string
		id   string
		want string // a piece of the error; "" for the small key
	}{
		{"the only one", []string{rsaJWK("")}, "", ""},
		{"the only one, by its id", []string{rsaJWK(`,"kid":"a"`)}, "a", ""},
		{"the one to encrypt with", []string{fmt.Sprintf(other, `,"use":"sig"`), rsaJWK(`,"use":"enc"`)}, "", ""},
		{"the one whose algorithm encrypts", []string{fmt.Sprintf(other, `,"alg":"RS256"`), rsaJWK(`,"alg":"RSA-OAEP-256"`)}, "", ""},
		{"the one whose operations encrypt", []string{fmt.Sprintf(other, `,"key_ops":["verify"]`), rsaJWK(`,"key_ops":["wrapKey"]`)}, "", ""},
		{"kinds that nobody knows", []string{`{"kty":"AKP","pub":"AA"}`, `{"kty":"oct","k":"AA"}`, `7`, rsaJWK("")}, "", ""},
		{"by its id, whatever its use", []string{fmt.Sprintf(other, ""), rsaJWK(`,"kid":"a","use":"sig"`)}, "a", ""},
		{"two to encrypt with", []string{fmt.Sprintf(other, ""), rsaJWK(`,"kid":"a"`)}, "", "more than one key for encryption"},
		{"only one of another kind", []string{`{"kty":"oct","k":"AA"}`}, "", "not an RSA key"},
		{"only one that is damaged", []string{`7`}, "", "damaged"},
		{"for signatures only", []string{rsaJWK(`,"kid":"a","use":"sig"`)}, "", "only keys for signatures"},
		{"no key of that id", []string{rsaJWK(`,"kid":"a"`)}, "b", "no RSA key with the configured public_key_id"},
		{"two of one id", []string{fmt.Sprintf(other, ""), rsaJWK(`,"kid":"other"`)}, "other", "more than one public key"},
		{"a private one", []string{rsaJWK(""), private}, "", "private key"},
		{"none", nil, "", "no public key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseJWKs(json.RawMessage(`{"keys":[`+strings.Join(c.keys, ",")+`]}`), c.id)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && !got.Equal(&smallKey().PublicKey):
				t.Error("another key")
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// Which key to take is for the configuration to say, by ids that the answer has.
func TestChoiceOfKeysIsLeftToTheConfiguration(t *testing.T) {
	body := `{"keys":[` + rsaJWK(`,"kid":"first"`) + "," + rsaJWK(`,"kid":"second"`) + `]}`
	bank := &providertest.Canned{ContentType: "application/json", Body: body}
	_, err := (&provider{keyURL: "http://127.0.0.1:1/key", env: bank.Env()}).fetchKey(t.Context())
	var e *failure.Error
	if !errors.As(err, &e) || e.Class != failure.Config || e.Attribute != "public_key_id" || !strings.Contains(e.Advice, `"first" or "second"`) {
		t.Errorf("got %+v", e)
	}
}
