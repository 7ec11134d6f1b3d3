package upstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/testkit/port"
	"github.com/google/go-cmp/cmp"
)

func secret(s string) credential.Secret { return credential.NewSecret(s) }

// sent is what a request became on its way.
type sent struct {
	Method, URL, Body string
	Header            http.Header
}

// record sends a request to nowhere.
func record(t *testing.T, r upstream.Request) sent {
	t.Helper()
	var got sent
	c := &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		got = sent{Method: req.Method, URL: req.URL.String(), Header: req.Header}
		if req.Body != nil {
			b, err := io.ReadAll(req.Body)
			if err != nil {
				t.Error(err)
			}
			got.Body = string(b)
		}
		if int64(len(got.Body)) != req.ContentLength {
			t.Errorf("a body of %d bytes is announced as %d", len(got.Body), req.ContentLength)
		}
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
	})}
	if _, err := upstream.Send(t.Context(), c, r); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRequests(t *testing.T) {
	const base = "https://h.example"
	for _, c := range []struct {
		name string
		r    upstream.Request
		want sent
	}{
		{"a read", upstream.Request{URL: base + "/a", UserAgent: "u", Bearer: secret("tok")}, sent{
			"GET", base + "/a", "",
			http.Header{"Accept": {"application/json"}, "Authorization": {"Bearer tok"}, "User-Agent": {"u"}},
		}},
		{"JSON", upstream.Request{Method: "POST", URL: base, UserAgent: "u", JSON: struct {
			Password upstream.Sent `json:"password"`
			Key      upstream.Sent `json:"key,omitzero"`
			Kind     int           `json:"kind"`
		}{Password: upstream.Sent{Secret: secret("p<&\"é")}, Kind: 1}}, sent{
			"POST", base, `{"password":"p\u003c\u0026\"é","kind":1}`,
			http.Header{"Accept": {"application/json"}, "Content-Type": {"application/json"}, "User-Agent": {"u"}},
		}},
		{"a form, by name", upstream.Request{
			Method: "POST", URL: base, UserAgent: "u", Basic: secret("a:b"),
			Form: map[string]credential.Secret{"z": secret("1"), "a": secret("x y&=+/"), "e": {}},
		}, sent{
			"POST", base, "a=x+y%26%3D%2B%2F&e=&z=1",
			http.Header{
				"Accept": {"application/json"}, "Authorization": {"Basic YTpi"},
				"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {"u"},
			},
		}},
		{"a query in its order, any answer", upstream.Request{
			Method: "POST", URL: base + "/q", UserAgent: "u", AnyAnswer: true,
			Query: []upstream.Param{{Name: "z", Value: secret("+/=")}, {Name: "a b", Value: upstream.Public("1")}},
		}, sent{"POST", base + "/q?z=%2B%2F%3D&a+b=1", "", http.Header{"User-Agent": {"u"}}}},
		{"headers of its own", upstream.Request{
			URL: base, UserAgent: "u",
			Header: map[string]credential.Secret{"accept": upstream.Public("application/x+json"), "Device": {}},
		}, sent{"GET", base, "", http.Header{"Accept": {"application/x+json"}, "Device": {""}, "User-Agent": {"u"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Header.Set("Accept-Encoding", "gzip")
			if diff := cmp.Diff(c.want, record(t, c.r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// everywhere has the canary wherever a request can hold a secret.
func everywhere() upstream.Request {
	s := secret(canary)
	return upstream.Request{
		Op: upstream.Op{Name: "log in", Secrets: []credential.Secret{s}}, Method: "POST", URL: "https://h.example/path",
		Query: []upstream.Param{{Name: "q", Value: s}}, Header: map[string]credential.Secret{"X": s}, Bearer: s, Basic: s,
		JSON: map[string]upstream.Sent{"p": {Secret: s}}, Form: map[string]credential.Secret{"f": s},
	}
}

func TestNoErrorOfARequestHoldsASecret(t *testing.T) {
	notJSON, notURL, noHeader := everywhere(), everywhere(), everywhere()
	notJSON.JSON = map[string]any{canary: func() {}}
	notURL.URL = "https://h.example/\x7f" + canary
	noHeader.Header["X"] = secret("line\nbreak " + canary)
	broken := roundTrip(func(req *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("cannot send %s with %v", req.URL, req.Header)
	})
	for _, c := range []struct {
		name      string
		r         upstream.Request
		transport http.RoundTripper
		class     failure.Class
		attribute string
	}{
		{"a body that cannot be encoded", notJSON, broken, failure.Config, ""},
		{"a URL that cannot be used", notURL, broken, failure.Config, "base_url"},
		{"a header that cannot be sent", noHeader, http.DefaultTransport, failure.Config, "http.headers"},
		{"a broken connection", everywhere(), broken, failure.Retryable, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := upstream.Send(t.Context(), &http.Client{Transport: c.transport}, c.r)
			e := upstreamError(t, err)
			if e.Class != c.class || e.Attribute != c.attribute || e.Op != "log in" {
				t.Errorf("%+v", *e)
			}
			if errors.Unwrap(e) != nil {
				t.Errorf("a cause is wrapped: %v", errors.Unwrap(e))
			}
			if shown := fmt.Sprintf("%v %+v %#v", e, *e, *e); strings.Contains(shown, canary) {
				t.Error("the secret is in the error")
			}
		})
	}
}

func TestPrintingARequestShowsNoSecret(t *testing.T) {
	r := everywhere()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		if strings.Contains(fmt.Sprintf(verb, r), canary) {
			t.Errorf("%s shows it", verb)
		}
	}
	if b, err := json.Marshal(r); err == nil || strings.Contains(string(b), canary) {
		t.Errorf("a request can be encoded: %v", err)
	}
}

// A request whose address is from another attribute than base_url sends users
// there.
func TestErrorsSpeakOfTheEndpointsAttribute(t *testing.T) {
	redirect := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://elsewhere.example")
		w.WriteHeader(http.StatusMovedPermanently)
	}
	base := serve(t, redirect)
	for name, url := range map[string]string{"redirect": base, "no answer": "http://" + port.Address(t), "no URL": "https://h/\x7f"} {
		c, _ := client(t, upstream.Options{BaseURL: base})
		_, err := upstream.Send(t.Context(), c, upstream.Request{Op: upstream.Op{Name: "x", Endpoint: "token_url"}, URL: url})
		e := upstreamError(t, err)
		if strings.Contains(e.Advice, "base_url") || !strings.Contains(e.Advice, "token_url") || e.Attribute == "base_url" {
			t.Errorf("%s: %+v", name, *e)
		}
	}
	a := answer(t, "application/json", "{}")
	if e := a.Refused("", "").As(upstream.Undocumented); !strings.Contains(e.Advice, "base_url") {
		t.Errorf("%+v", *e)
	}
}

func TestARequestEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := upstream.Send(ctx, http.DefaultClient, everywhere()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
