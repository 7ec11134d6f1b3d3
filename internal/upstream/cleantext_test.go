package upstream_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
)

func TestCleanShowsOneBoundedLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "Неверный логин", "Неверный логин"},
		{"lines", "a\r\n\tb\x00c\x1b[31m", "a b c [31m"},
		{"direction", "a\u202eb", "a b"},
		{"not UTF-8", "a\xffb", "a b"},
		{"long", strings.Repeat("я", 300), strings.Repeat("я", 199) + "…"},
		{"as long as may be", strings.Repeat("я", 200), strings.Repeat("я", 200)},
		{"one too long", strings.Repeat("я", 201), strings.Repeat("я", 199) + "…"},
		{"a secret too far behind to be shown", strings.Repeat("x ", 5000) + "another", strings.Repeat("x ", 99) + "x…"},
		{"empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := upstream.Clean(c.text, credential.NewSecret("another"), credential.Secret{}); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCleanWithholdsEchoes(t *testing.T) {
	secret := "p@ss word/1234"
	for _, c := range []struct{ name, text string }{
		{"plain", "bad password p@ss word/1234!"},
		{"another case", "P@SS WORD/1234"},
		{"a piece", "starts with p@ss w"},
		{"broken over lines", "p@ss\nword/1234"},
		{"percent-encoded", "p%40ss+word%2F1234"},
		{"base64", "cEBzcyB3b3JkLzEyMzQ="},
		{"hex", "7040737320776f72642f31323334"},
		{"base64 behind a user's name", base64.StdEncoding.EncodeToString([]byte("user:" + secret))},
		{"base64 behind one letter", base64.URLEncoding.EncodeToString([]byte("u" + secret + "x"))},
		{"base64 behind two letters", base64.RawStdEncoding.EncodeToString([]byte("xy" + secret))},
		{"reversed", "4321/drow ss@p"},
		{"every byte percent-encoded", "%70%40%73%73%20%77%6f%72%64"},
		{"every character escaped", `\u0070\u0040\u0073\u0073\u0020\u0077\u006f`},
		{"every byte escaped", `\x70\x40\x73\x73\x20\x77\x6F`},
		{"behind the limit", strings.Repeat("x", 500) + secret},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := upstream.Clean(c.text, credential.NewSecret(secret))
			if !strings.Contains(got, "not shown") {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestCleanWithholdsASecretThatJSONEscapes(t *testing.T) {
	secret := "<<<\"\"\"&&&"
	if got := upstream.Clean(`you sent {"password":"\u003c\u003c\u003c\"\"\"\u0026\u0026\u0026"}`, credential.NewSecret(secret)); !strings.Contains(got, "not shown") {
		t.Errorf("got %q", got)
	}
}

func TestWhatIsPublishedIsNoSecret(t *testing.T) {
	got := upstream.Unpublished("WEB:", secret("WEB:"), secret("other"), secret("WEB: "))
	if len(got) != 2 || got[0].Reveal() != "other" || got[1].Reveal() != "WEB: " {
		t.Errorf("%d are left", len(got))
	}
	if text := upstream.Clean("the WEB: client", upstream.Unpublished("WEB:", secret("WEB:"))...); text != "the WEB: client" {
		t.Errorf("got %q", text)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("plain text", canary)
	f.Add("a "+canary+"\n", canary)
	f.Add("\u202e\xff", "x")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := upstream.Clean(text, credential.NewSecret(secret))
		if len([]rune(got)) > 200 || strings.ContainsAny(got, "\r\n\x1b") {
			t.Errorf("%q is not one short line", got)
		}
		if len(secret) > 5 && strings.Contains(got, secret) && !strings.Contains(got, "not shown") {
			t.Errorf("%q repeats the secret", got)
		}
	})
}
