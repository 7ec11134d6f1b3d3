package upstream_test

import (
	"errors"
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

type wire struct {
	Token  upstream.Hidden `json:"token"`
	ID     upstream.ID     `json:"id"`
	Number int             `json:"number"`
	Org    struct {
		IDs []upstream.ID `json:"ids"`
	} `json:"org"`
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

// A page under 404 means that the address is wrong, not that the upstream has changed.
func TestPageWhereNothingIsNamesTheAddress(t *testing.T) {
	for status, wrongAddress := range map[int]bool{404: true, 405: true, 410: true, 200: false, 400: false, 500: false} {
		a := answer(t, "text/html", "<p>"+canary)
		a.Status = status
		var w wire
		e := upstreamError(t, a.JSON(&w))
		if strings.Contains(e.Message, "nothing is at this address") != wrongAddress || strings.Contains(e.Advice, "path") != wrongAddress || !strings.Contains(e.Advice, "base_url") {
			t.Errorf("%d: %s. %s", status, e.Message, e.Advice)
		}
	}
}
