package canary_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/credsync/credsync/testkit/canary"
)

// ways are how a secret may come out.
var ways = map[string]func(string) string{
	"as it is":              func(s string) string { return s },
	"quoted":                func(s string) string { return fmt.Sprintf("%q", s) },
	"JSON":                  func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"JSON in JSON":          func(s string) string { b, _ := json.Marshal(s); c, _ := json.Marshal(string(b)); return string(c) },
	"HTML":                  html.EscapeString,
	"in a query":            url.QueryEscape,
	"in a path":             url.PathEscape,
	"every byte percent":    func(s string) string { return each(s, "%%%02X") },
	"every byte \\x":        func(s string) string { return each(s, `\x%02x`) },
	"hex":                   func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":                   func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":                func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 behind one":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(":" + s)) },
	"base64 behind two":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s + "x")) },
	"base64url behind five": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("user:" + s)) },
	"basic":                 func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte("WEB:"+s)) },
	"printed bytes":         func(s string) string { return fmt.Sprint([]byte(s)) },
	"printed bytes, hex":    func(s string) string { return fmt.Sprintf("%#v", []byte(s)) },
	"a stack's words":       func(s string) string { return fmt.Sprintf("{%s}", strings.TrimRight(each(s, "0x%x, "), ", ")) },
	"\\u":                   func(s string) string { return each(s[:16], `\u%04x`) },
	"reversed": func(s string) string {
		r := []rune(s)
		for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
			r[i], r[j] = r[j], r[i]
		}
		return string(r)
	},
	"first eight":  func(s string) string { return s[:8] },
	"eight of it":  func(s string) string { return s[7:15] },
	"last eight":   func(s string) string { return s[len(s)-8:] },
	"wrapped":      func(s string) string { return s[:5] + "\n│ " + s[5:10] + "\n│ " + s[10:14] },
	"hex of eight": func(s string) string { return hex.EncodeToString([]byte(s[:8])) },
	"in long base64": func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 100) + s[:11]))
	},
}

func each(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func TestEveryFormIsFound(t *testing.T) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			a := canary.New()
			for kind, secret := range map[string]string{
				"secret": a.Secret("secret"), "word": a.Word("word"), "hexadecimal": a.Hex("hexadecimal", 40),
			} {
				text := "2026-03-01T12:00:00Z [DEBUG] said: " + way(secret) + ", and no more\n"
				if found := strings.Join(a.Find([]byte(text)), "; "); !strings.Contains(found, kind+",") {
					t.Errorf("the %s was not found in %q: %q", kind, text, found)
				}
			}
		})
	}
}

func TestOthersTextIsNotFound(t *testing.T) {
	a := canary.New()
	for i := range 200 {
		a.Secret(fmt.Sprint("secret ", i))
		a.Digits(fmt.Sprint("digits ", i), "7", 10)
		a.Hex(fmt.Sprint("hex ", i), 32)
	}
	for range 40 {
		other := canary.New()
		for name, way := range ways {
			if found := a.Find([]byte(way(other.Secret("other")))); len(found) > 0 {
				t.Fatalf("%s: %v", name, found)
			}
		}
	}
}

func TestDigitsAreFound(t *testing.T) {
	a := canary.New()
	username, code := a.Digits("username", "7", 10), a.Digits("code", "", 6)
	for _, s := range []string{username, username[1:], code} {
		if len(a.Find([]byte("it is "+s+"."))) == 0 {
			t.Errorf("%q was not found", s)
		}
	}
	if found := a.Find([]byte(code[:5] + "x")); len(found) > 0 {
		t.Errorf("found %v in five digits", found)
	}
}

func TestPublicPartsAreNotFound(t *testing.T) {
	a := canary.New()
	secret := a.Word("key")
	a.Public(secret[:16])
	if found := a.Find([]byte(secret[:16])); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	if len(a.Find([]byte(secret[16:]))) == 0 {
		t.Error("the rest was not found")
	}
}
