package vault

import (
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/google/go-cmp/cmp"
)

// FuzzPath: a path that is accepted is the one that Vault sees, however the URL
// around it is escaped, joined and cleaned.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"a/b", "..", "a/../b", "%2f", "a%2fb", "A", "ключ", "😀", "a//b", "a/", "/a", "data/a", "a\x00", "a b", " a", ".", "a/./b", "a?b", "a#b", "a\u202eb", "a\\b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if checkPath(p) != nil {
			return
		}
		if clean := path.Clean("secret/data/" + p); clean != "secret/data/"+p {
			t.Errorf("%q is cleaned to %q", p, clean)
		}
		u := url.URL{Scheme: "https", Host: "vault", Path: "/v1/secret/data/" + p}
		back, err := url.Parse(u.String())
		if err != nil || back.Path != u.Path || strings.Contains(back.Path, "..") {
			t.Errorf("%q arrives as %q, %v", p, back, err)
		}
		if name := escape(p); checkPath("state/"+name) != nil || strings.Contains(name, "/") {
			t.Errorf("the record of %q would be %q", p, name)
		}
	})
}

// FuzzSecretOfTexts: decoding a secret's strings at once gives what decoding
// each value by itself does.
func FuzzSecretOfTexts(f *testing.F) {
	for _, s := range []string{
		`{"data":{"data":{"a":"b","c":"d\n\u0000\ud800"},"metadata":{"version":3}}}`,
		`{"data":{"data":{"a":"b","n":98765432109876543210,"o":{"x": [1, null]},"none":null},"metadata":{"version":3}}}`,
		`{"data":{"data":null,"metadata":{"version":2,"deletion_time":"x"}}}`, `{"data":{"data":[],"metadata":{}}}`, `{"data":{"data":{"a":"b"},"metadata":{"version":"x"}}}`, `{}`, `[`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		data, version, err := decodeSecret(body)
		var want secret[json.RawMessage]
		if wrong := json.Unmarshal(body, &want); wrong != nil {
			if err == nil {
				t.Errorf("%q was decoded, in spite of %v", body, wrong)
			}
			return
		}
		if err != nil || version != want.Data.Metadata ||
			!cmp.Equal(revealAll(data), revealAll(sinks.SecretsOfJSON(want.Data.Data))) {
			t.Errorf("%q: %v at version %+v, %v", body, revealAll(data), version, err)
		}
	})
}

func revealAll(data map[string]credential.Secret) map[string]string {
	texts := make(map[string]string, len(data))
	for name, s := range data {
		texts[name] = s.Reveal()
	}
	return texts
}
