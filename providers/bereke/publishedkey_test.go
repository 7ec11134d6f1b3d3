package bereke

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/pemkey"
	"github.com/credsync/credsync/testkit/providertest"
)

// FuzzFetchKey: what public_key_url answers is either a key that encrypts or the
// upstream's mistake.
func FuzzFetchKey(f *testing.F) {
	encoded, err := json.Marshal(
		map[string]string{"key": pemOf("PUBLIC KEY", mustKey(x509.MarshalPKIXPublicKey(&smallKey().PublicKey)))},
	)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(encoded), "", "{}", "null", "[]", `{"key":null}`, `{"key":1}`, `{"key":"-----BEGIN"}`, `{"key":"a","key":"b"}`, "<html>", `{"key":"`, `{"keys":[]}`, `{"keys":[{"kty":"RSA","n":"AQ","e":"AQAB"}]}`, `{"kty":"RSA"}`, `"\u0000"`, `{"key":{"kty":"oct","k":"AA"}}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		bank := &providertest.Canned{ContentType: "application/json", Body: body}
		p := &provider{keyURL: "http://127.0.0.1:1/key", username: credential.NewSecret("canary-user"), env: bank.Env()}
		key, err := p.fetchKey(t.Context())
		var e *failure.Error
		switch {
		case err == nil:
			if _, err := encrypt(key, "password", pemkey.Padding{}, credential.NewSecret("x")); err != nil {
				t.Errorf("a key that was accepted does not encrypt: %v", err)
			}
		case !errors.As(err, &e) || e.Class != failure.Server && e.Attribute != keyID:
			t.Errorf("got %v, want class server, or the attribute that chooses a key", err)
		}
	})
}
