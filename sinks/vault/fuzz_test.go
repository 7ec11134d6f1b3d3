package vault

import (
	"net/url"
	"path"
	"strings"
	"testing"
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
