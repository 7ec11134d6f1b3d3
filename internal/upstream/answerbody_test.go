package upstream_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/golang-jwt/jwt/v5"
)

// answer makes an Answer with that body, without a network.
func answer(t testing.TB, contentType, body string) *upstream.Answer {
	t.Helper()
	c := &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: 200, Header: http.Header{"Content-Type": {contentType}},
			Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	})}
	req, err := http.NewRequest("GET", "http://127.0.0.1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := upstream.Do(t.Context(), c, req, upstream.Op{Name: "x", Secrets: []credential.Secret{credential.NewSecret(canary)}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type wire struct {
	Token  upstream.Hidden `json:"token"`
	ID     upstream.ID     `json:"id"`
	Number int             `json:"number"`
	Org    struct {
		IDs []upstream.ID `json:"ids"`
	} `json:"org"`
}

func TestIdentifiersKeepEveryDigit(t *testing.T) {
	for _, c := range []struct {
		json, want string
		ok         bool
	}{
		{`9876543210987654321`, "9876543210987654321", true},
		{`123456789012345678901234567890`, "123456789012345678901234567890", true},
		{`"9876543210987654321"`, "9876543210987654321", true},
		{`0`, "0", true},
		{`null`, "", true},
		{`1.5`, "", false},
		{`1e3`, "", false},
		{`-1`, "", false},
		{`""`, "", false},
		{`"a1"`, "", false},
		{`"` + strings.Repeat("1", 65) + `"`, "", false},
		{`true`, "", false},
		{`{}`, "", false},
	} {
		t.Run(c.json, func(t *testing.T) {
			var w wire
			err := answer(t, "application/json", `{"id":`+c.json+`}`).JSON(&w)
			if (err == nil) != c.ok || string(w.ID) != c.want {
				t.Errorf("got %q, %v", w.ID, err)
			}
			if err != nil && !strings.Contains(err.Error(), `"id"`) {
				t.Errorf("the field is not named: %v", err)
			}
		})
	}
}

func TestWrongAnswersNameTheFieldAndNoMore(t *testing.T) {
	for _, c := range []struct{ name, contentType, body, want string }{
		{"type", "application/json", `{"number":"` + canary + `"}`, `"number"`},
		{"type of a secret", "application/json", `{"token":["` + canary + `"]}`, `"token"`},
		{"element of a list", "application/json", `{"org":{"ids":[1,"` + canary + `"]}}`, `"org.ids"`},
		{"syntax", "application/json", `{"token":"` + canary, "well-formed"},
		{"content type", "text/html", "<p>" + canary, "text/html"},
		{"hostile content type", canary + "/x", "{}", "not shown"},
		{"empty", "application/json", "", "empty"},
		{"array", "application/json", `["` + canary + `"]`, "object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w wire
			e := upstreamError(t, answer(t, c.contentType, c.body).JSON(&w))
			if e.Class != failure.Server || !strings.Contains(e.Message, c.want) {
				t.Errorf("%+v", *e)
			}
		})
	}
}

func TestJSONContentTypes(t *testing.T) {
	for _, contentType := range []string{"", "application/json", "application/json; charset=utf-8", "Application/JSON", "text/json", "application/problem+json"} {
		var w wire
		if err := answer(t, contentType, ` {"number":1,"number":2,"unknown":[]} `).JSON(&w); err != nil || w.Number != 2 {
			t.Errorf("%q: %v, %v", contentType, w.Number, err)
		}
	}
}

func TestBearerMustFitAHeader(t *testing.T) {
	a := answer(t, "application/json", "{}")
	for _, c := range []struct {
		value string
		ok    bool
	}{{"abc.DEF-1_2~+/=", true}, {"", false}, {"a b", false}, {"a\r\nX: y", false}, {"ключ", false}} {
		_, err := a.Bearer("access_token", upstream.Hidden{Secret: credential.NewSecret(c.value)})
		if (err == nil) != c.ok {
			t.Errorf("%q: %v", c.value, err)
		}
	}
}

func TestCleanShowsOneBoundedLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "Неверный логин", "Неверный логин"},
		{"lines", "a\r\n\tb\x00c\x1b[31m", "a b c [31m"},
		{"direction", "a\u202eb", "a b"},
		{"not UTF-8", "a\xffb", "a b"},
		{"long", strings.Repeat("я", 300), strings.Repeat("я", 199) + "…"},
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

func TestJWTExpiry(t *testing.T) {
	sign := func(claims jwt.MapClaims) string {
		s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte("key"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name, token string
		want        time.Time
	}{
		{"a claim", sign(jwt.MapClaims{"exp": 1893456000}), time.Unix(1893456000, 0)},
		{"other claims of odd types", sign(jwt.MapClaims{"exp": 1893456000, "aud": 7, "iat": "x"}), time.Unix(1893456000, 0)},
		{"none", sign(jwt.MapClaims{"sub": "x"}), time.Time{}},
		{"a string", sign(jwt.MapClaims{"exp": "tomorrow"}), time.Time{}},
		{"beyond time", sign(jwt.MapClaims{"exp": 1e300}), time.Time{}},
		{"negative", sign(jwt.MapClaims{"exp": -1e15}), time.Time{}},
		{"unknown algorithm", "eyJhbGciOiJHT1NUIn0.eyJleHAiOjE4OTM0NTYwMDB9.AA", time.Unix(1893456000, 0)},
		{"opaque", "b37c4c689295904ed21eee5d9a48d42e", time.Time{}},
		{"two dots", "a.b.c", time.Time{}},
		{"empty", "", time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := upstream.JWTExpiry(credential.NewSecret(c.token)); !got.Equal(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"token":"x","id":1,"number":2,"org":{"ids":[1,"2"]}}`, `{"id":1e9}`, `{"token":null}`, `{"token":"\ud800"}`, `[`, ``, `{"id":"` + canary + `"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var w wire
		err := answer(t, "application/json", body).JSON(&w)
		var e *failure.Error
		if err != nil && (!errors.As(err, &e) || e.Class != failure.Server) {
			t.Errorf("%v is not of class server", err)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Error("the error repeats the answer")
		}
		if strings.Trim(string(w.ID), "0123456789") != "" {
			t.Errorf("%q is no identifier", w.ID)
		}
	})
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

func FuzzJWTExpiry(f *testing.F) {
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJHT1NUIn0.eyJleHAiOjE4OTM0NTYwMDB9.AA")
	f.Fuzz(func(t *testing.T, token string) {
		if at := upstream.JWTExpiry(credential.NewSecret(token)); !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999) {
			t.Errorf("%v is no expiry", at)
		}
	})
}

func TestAnyJSONTakesObjectsAndLists(t *testing.T) {
	for _, c := range []struct {
		contentType, body string
		ok                bool
	}{
		{"application/json", ` {"a":1}`, true},
		{"application/json", `[]`, true},
		{"", `[1]`, true},
		{"application/json", ``, false},
		{"application/json", `null`, false},
		{"application/json", `"text"`, false},
		{"application/json", `{"a":1}{}`, false},
		{"application/json", `[`, false},
		{"text/html", `{}`, false},
	} {
		err := answer(t, c.contentType, c.body).AnyJSON()
		if (err == nil) != c.ok {
			t.Errorf("%s %s: got %v, want ok = %v", c.contentType, c.body, err, c.ok)
		}
		if err != nil && failure.ClassOf(err) != failure.Server {
			t.Errorf("%s: class %q", c.body, failure.ClassOf(err))
		}
	}
}

func TestTextIsTrimmedAndNoPage(t *testing.T) {
	for _, c := range []struct {
		contentType, body, want string
	}{
		{"text/plain; charset=utf-8", " 590809155\r\n", "590809155"},
		{"application/json", "590809155", "590809155"},
		{"", "590809155", "590809155"},
		{"text/plain", " \n", ""},
		{"text/html", "590809155", ""},
	} {
		text, err := answer(t, c.contentType, c.body).Text()
		if text.Reveal() != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %q: got %q, %v", c.contentType, c.body, text.Reveal(), err)
		}
	}
}
