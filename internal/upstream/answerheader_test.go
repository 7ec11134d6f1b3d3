package upstream_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// What an answer has besides its body can be a secret too.
func TestTheHeaderOfAnAnswerIsReadAndNotPrinted(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Body", string(body))
		w.Header().Set("X-Type", r.Header.Get("Content-Type"))
		w.Header().Add("X-Token", "canary-header")
		w.Header().Add("Set-Cookie", "sid=first")
		w.Header().Add("Set-Cookie", "sid=canary-cookie; Path=/; HttpOnly")
		_, _ = io.WriteString(w, "\xef\xbb\xbf<a>canary-body</a>")
	}))
	defer server.Close()
	a, err := upstream.Send(t.Context(), server.Client(), upstream.Request{
		Op: upstream.Op{Name: failure.LogIn}, Method: http.MethodPost, URL: server.URL,
		Text: credential.NewSecret("<q/>"), TextType: "application/xml",
	})
	if err != nil {
		t.Fatal(err)
	}
	h := a.Header()
	if h.Get("X-Token") != "canary-header" || h.Get("X-Body") != "<q/>" || h.Get("X-Type") != "application/xml" ||
		a.Cookies()["sid"].Reveal() != "canary-cookie" || a.Body().Reveal() != "<a>canary-body</a>" {
		t.Errorf("%v", h)
	}
	h.Set("X-Token", "changed")
	if a.Header().Get("X-Token") != "canary-header" {
		t.Error("the header can be changed")
	}
	if text := fmt.Sprintf("%v %+v %#v %v", a, a, a, a.Cookies()); strings.Contains(text, "canary") {
		t.Error(text)
	}
	var none upstream.Answer
	if len(none.Header()) != 0 || len(none.Cookies()) != 0 {
		t.Error("an answer that never came has a header")
	}
}

// Where the upstream's own answers may be XML, only HTML is a page.
func TestXMLIsAPageOnlyWhereNoXMLIsDocumented(t *testing.T) {
	for body, want := range map[string][2]bool{
		`<?xml version="1.0"?><a/>`: {true, false}, `<a/>`: {true, false}, `<HTML>`: {true, true}, " \n<!doctype html>": {true, true},
		`<?xml version="1.0"?><html xmlns="x"/>`: {true, true}, `{}`: {false, false}, ``: {false, false},
	} {
		for i, takesXML := range []bool{false, true} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/xml")
				_, _ = io.WriteString(w, body)
			}))
			a, err := upstream.Send(t.Context(), server.Client(), upstream.Request{
				Op: upstream.Op{Name: failure.LogIn, TakesXML: takesXML}, URL: server.URL,
			})
			server.Close()
			if err != nil || a.IsPage() != want[i] {
				t.Errorf("%q, %v: %v", body, takesXML, err)
			}
		}
	}
}
