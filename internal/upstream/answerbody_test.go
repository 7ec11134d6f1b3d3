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
	a, err := upstream.Do(
		t.Context(),
		c,
		req,
		upstream.Op{Name: "x", Secrets: []credential.Secret{credential.NewSecret(canary)}},
	)
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
			if e.Class != failure.Server || !strings.Contains(e.Message, c.want) ||
				strings.Contains(fmt.Sprintf("%+v", *e), canary) {
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

// JSON that is broken is told as that, and what was never meant as JSON by its type.
func TestBrokenJSONIsToldApartFromWhatIsNoJSON(t *testing.T) {
	for contentType, want := range map[string]string{
		"": "not well-formed JSON", "application/json": "not well-formed JSON", "text/json": "not well-formed JSON",
		"application/problem+json": "not well-formed JSON",
		"application/xml":          "not JSON but application/xml", "text/x+json": "not JSON but text/x+json",
		"text/plain": "not JSON but text/plain",
	} {
		a := answer(t, contentType, "{")
		_, err := a.Object()
		for name, err := range map[string]error{"object": err, "any": a.AnyJSON()} {
			if e := upstreamError(t, err); !strings.Contains(e.Message, want) {
				t.Errorf("%q, %s: %s", contentType, name, e.Message)
			}
		}
	}
	for body, want := range map[string]string{"null": "neither a JSON object nor a list", "": "is empty", "<p>": "a web page"} {
		if e := upstreamError(t, answer(t, "application/json", body).AnyJSON()); !strings.Contains(e.Message, want) {
			t.Errorf("%q: %s", body, e.Message)
		}
	}
}

func TestAnObjectIsReadWholeOrNotAtAll(t *testing.T) {
	for _, body := range []string{`{`, `{x}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,x}`, `{"a":1,}`, `{1:2}`, `{"a":1} x`, `{"a":1}]`} {
		a := answer(t, "application/json", body)
		if o, err := a.Object(); err == nil || o != nil || !strings.Contains(err.Error(), "well-formed") {
			t.Errorf("%s: %v, %v", body, o, err)
		}
		if a.IsObject() || a.Fields().Has("a") {
			t.Errorf("%s is taken for an object", body)
		}
	}
	if a := answer(t, "application/json", ` {"a":1} `); !a.IsObject() || !a.Fields().Has("a") {
		t.Error("an object is none")
	}
	if answer(t, "application/json", `["a"]`).IsObject() {
		t.Error("a list is an object")
	}
}

func TestTextSaysWhatIsWrongWithIt(t *testing.T) {
	for body, want := range map[string]string{" ": "is empty", "<p>": "a web page", "\xca": "not valid in its charset"} {
		_, err := answer(t, "text/plain", body).Text()
		if e := upstreamError(t, err); e.Class != failure.Server || !strings.Contains(e.Message, want) {
			t.Errorf("%q: %+v", body, *e)
		}
	}
}

// A page where nothing is points at the address, another one at what stands before the
// service.
func TestAPageIsToldByItsStatus(t *testing.T) {
	for status, want := range map[int]string{404: "there is nothing at this address", 200: "is a web page", 403: "is a web page"} {
		a, err := receive(t, upstream.Op{Name: "x"}, status, nil, strings.NewReader(" <html>"))
		if err != nil {
			t.Fatal(err)
		}
		if e := a.Refused("", "").As(means("documented")); e.Class != failure.Server ||
			!strings.Contains(e.Message, want) ||
			e.Advice == "" {
			t.Errorf("%d: %+v", status, *e)
		}
	}
}

func TestEmptyAnswers(t *testing.T) {
	for body, want := range map[string]bool{"": true, " \r\n": true, "{}": false} {
		if answer(t, "", body).Empty() != want {
			t.Errorf("%q", body)
		}
	}
}

func TestTokensThatAHeaderCanCarry(t *testing.T) {
	for token, want := range map[string]bool{"a.B-1_~+/=": true, "!": true, "~": true, "a b": false, " ": false, "a\n": false, "\x7f": false, "é": false,
		"\x00": false} {
		if upstream.HeaderSafe(secret(token)) != want {
			t.Errorf("%q", token)
		}
	}
}

// Text without a byte order mark is in the charset that the answer names, unless it is
// valid UTF-8; what is in neither stays as it is.
func TestCharsetsOfAnAnswer(t *testing.T) {
	wide := func(s string, bigEndian bool) string {
		var out []byte
		for _, r := range s {
			if bigEndian {
				out = append(out, byte(r>>8), byte(r))
			} else {
				out = append(out, byte(r), byte(r>>8))
			}
		}
		return string(out)
	}
	for _, c := range []struct{ name, charset, body, want string }{
		{"UTF-16 of Latin letters, which is valid UTF-8 too", "utf-16le", wide("token", false), "token"},
		{"the other order", "utf-16be", wide("token", true), "token"},
		{"marked", "", "\xff\xfe" + wide("Касса", false), "Касса"},
		{"marked in the other order", "", "\xfe\xff" + wide("Касса", true), "Касса"},
		{"marked otherwise than it says", "windows-1251", "\xfe\xff" + wide("Касса", true), "Касса"},
		{"marked as UTF-8", "windows-1251", "\xef\xbb\xbfКасса", "Касса"},
		{"another charset than UTF-8", "koi8-r", "\xeb\xc1", "Ка"},
		{"UTF-8 all the same", "koi8-r", "Касса", "Касса"},
	} {
		if text, err := answer(t, "text/plain; charset="+c.charset, c.body).Text(); err != nil || text.Reveal() != c.want {
			t.Errorf("%s: %q, %v", c.name, text.Reveal(), err)
		}
	}
	// 0x98 is no letter of windows-1251, and half a letter is none of UTF-16.
	for charset, body := range map[string]string{"windows-1251": "\xca\xe0\x98", "utf-16le": "\xff\xfe\x1a"} {
		if text, err := answer(t, "text/plain; charset="+charset, body).Text(); err == nil {
			t.Errorf("%s: %q", charset, text.Reveal())
		}
	}
}
