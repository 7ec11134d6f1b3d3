package upstream_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
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

func TestWrongAnswersAreNotRepeated(t *testing.T) {
	for _, c := range []struct{ name, contentType, body, want string }{
		{"type of the token", "application/json", `{"token":["` + canary + `"]}`, `"token"`},
		{"no token", "application/json", `{"a":"` + canary + `"}`, `"token"`},
		{"empty token", "application/json", `{"token":" "}`, `"token"`},
		{"token that no header can carry", "application/json", `{"token":"` + canary + ` b"}`, `"token"`},
		{"replaced character in the token", "application/json", "{\"token\":\"" + canary + "\xff\"}", `"token"`},
		{"syntax", "application/json", `{"token":"` + canary, "well-formed"},
		{"two objects", "application/json", `{"token":"x"}{}`, "well-formed"},
		{"page", "text/html", "<p>" + canary, "page"},
		{"page called JSON", "application/json", " <p>" + canary, "page"},
		{"text", "text/plain", canary, "text/plain"},
		{"hostile content type", canary + "/x", "a", "not shown"},
		{"empty", "application/json", "", "empty"},
		{"array", "application/json", `["` + canary + `"]`, "object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := answer(t, c.contentType, c.body).Object()
			if err == nil {
				_, err = o.Bearer("token")
			}
			e := upstreamError(t, err)
			if e.Class != failure.Server || !strings.Contains(e.Message, c.want) || strings.Contains(fmt.Sprintf("%+v", *e), canary) {
				t.Errorf("%+v", *e)
			}
		})
	}
}

// Servers call JSON by all names, begin it with a byte order mark, and write it in
// charsets of their own.
func TestWhatReadsAsJSONIsAnAnswer(t *testing.T) {
	utf16 := func(s string) string {
		out := "\xff\xfe"
		for _, r := range s {
			out += string([]byte{byte(r), byte(r >> 8)})
		}
		return out
	}
	for _, c := range []struct{ contentType, body string }{
		{"", `{"token":"x","name":"Касса"}`},
		{"application/json", ` {"token":"x","token":"x","name":"Касса"} `},
		{"application/json; charset=utf-8", "\ufeff" + `{"token":" x\n","name":"Касса"}`},
		{"text/html", `{"token":"x","name":"Касса"}`},
		{"text/plain;charset=ISO-8859-1", `{"token":"x","name":"Касса"}`},
		{"text/javascript", `{"TOKEN":"x","Name":"Касса"}`},
		{"application/json; charset=windows-1251", "{\"token\":\"x\",\"name\":\"\xca\xe0\xf1\xf1\xe0\"}"},
		{"application/json; charset=nonsense", `{"token":"x","name":"Касса"}`},
		{"application/json", utf16(`{"token":"x","name":"Касса"}`)},
	} {
		a := answer(t, c.contentType, c.body)
		o, err := a.Object()
		if err != nil {
			t.Errorf("%s %q: %v", c.contentType, c.body, err)
			continue
		}
		token, err := o.Bearer("token")
		if err != nil || token.Reveal() != "x" || o.Text("name") != "Касса" || a.Warnings() != nil {
			t.Errorf("%s %q: %q, %q, %v, %v", c.contentType, c.body, token.Reveal(), o.Text("name"), a.Warnings(), err)
		}
	}
}

// What is not valid in its charset is left out, and no letter is replaced.
func TestTextInAnotherCharsetThanItSaysIsLeftOut(t *testing.T) {
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "application/json; charset=nonsense"} {
		a := answer(t, contentType, "{\"token\":\"x\",\"name\":\"\xca\xe0\xf1\xf1\xe0\"}")
		o, err := a.Object()
		if err != nil {
			t.Fatal(err)
		}
		if token, err := o.Bearer("token"); err != nil || token.Reveal() != "x" {
			t.Errorf("the token is lost: %v", err)
		}
		if name := o.Text("name"); name != "" || !strings.Contains(strings.Join(a.Warnings(), ""), `"name"`) {
			t.Errorf("%s: %q, %q", contentType, name, a.Warnings())
		}
	}
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
		{"text/html", `{}`, true},
		{"text/html", `<p>{}`, false},
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
		{"text/html", "590809155", "590809155"},
		{"text/html", "<b>590809155", ""},
		{"text/plain", "\xca\xe0", ""},
	} {
		text, err := answer(t, c.contentType, c.body).Text()
		if text.Reveal() != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %q: got %q, %v", c.contentType, c.body, text.Reveal(), err)
		}
	}
}
