package upstream_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

func TestRedirectsShowNoMoreThanTheOrigin(t *testing.T) {
	for location, origin := range map[string]string{
		"/login?token=" + canary: "elsewhere", "https://user:" + canary + "@example.com/" + canary: "to https://example.com;", "://" + canary: "elsewhere", "": "elsewhere",
	} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		c, _ := client(t, upstream.Options{BaseURL: base})
		_, err := send(t, c, "POST", base, upstream.Op{Once: true})
		if e := upstreamError(t, err); e.Class != failure.Server || e.Status != http.StatusTemporaryRedirect ||
			!strings.Contains(e.Message, origin) {
			t.Errorf("%+v", *e)
		}
	}
}

func TestOriginOfARedirectIsNotASecret(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://"+canary+".example/")
		w.WriteHeader(http.StatusFound)
	})
	c, _ := client(t, upstream.Options{BaseURL: u})
	_, err := send(t, c, "POST", u, upstream.Op{Once: true, Secrets: []credential.Secret{credential.NewSecret(canary)}})
	if e := upstreamError(t, err); !strings.Contains(e.Message, "redirects") {
		t.Errorf("%+v", *e)
	}
}

// receive sends a request that is answered like that, without a network.
func receive(
	t *testing.T,
	op upstream.Op,
	status int,
	header map[string]string,
	body io.Reader,
) (*upstream.Answer, error) {
	t.Helper()
	h := http.Header{}
	for name, value := range header {
		h.Set(name, value)
	}
	c := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(body)}, nil
		}),
	}
	return upstream.Send(t.Context(), c, upstream.Request{Op: op, Method: "POST", URL: "https://h.example/login"})
}

func TestStatusesThatMeanTheSameAtEveryUpstream(t *testing.T) {
	const lost = "so it is not sent again in this run"
	for _, c := range []struct {
		name   string
		status int
		header map[string]string
		class  failure.Class // "" where the provider has to judge
		// attribute that is wrong, and whether a login that was answered so may have been
		// processed, and whether the message says so.
		attribute  string
		lost, said bool
		message    string
	}{
		{name: "success", status: 200},
		{name: "the last of success", status: 299},
		{name: "a refusal", status: 400},
		{name: "a fault that a provider may know", status: 500},
		{"too many", 429, nil, failure.Retryable, "", false, false, "too many requests"},
		{"stopped waiting", 408, nil, failure.Retryable, "", true, true, "stopped waiting for the request"},
		{"too early", 425, nil, failure.Retryable, "", true, true, "stopped waiting for the request"},
		{"a gateway", 502, nil, failure.Retryable, "", true, true, "the upstream is not available"},
		{"not available", 503, nil, failure.Retryable, "", true, true, "the upstream is not available"},
		{"not available until then", 503, map[string]string{"Retry-After": "1"}, failure.Retryable, "", false, false, "the upstream is not available"},
		{"a gateway's time", 504, nil, failure.Retryable, "", true, true, "the upstream is not available"},
		{"the proxy's login", 407, nil, failure.Config, "http.proxy", false, false, "the proxy answered HTTP 407"},
		{"a redirect", 300, map[string]string{"Location": "https://other.example"}, failure.Server, "", true, false, "redirects to https://other.example;"},
		{"a redirect to nowhere", 302, nil, failure.Server, "", true, false, "redirects elsewhere;"},
		{"moved", 301, map[string]string{"Location": "https://other.example"}, failure.Config, "base_url", true, false, "redirects to https://other.example;"},
		{"moved for good", 308, nil, failure.Config, "base_url", true, false, "redirects elsewhere;"},
		{"the last redirect", 399, nil, failure.Server, "", true, false, "redirects elsewhere;"},
	} {
		for _, once := range []bool{true, false} {
			a, err := receive(t, upstream.Op{Name: "log in", Once: once}, c.status, c.header, strings.NewReader("{}"))
			if c.class == "" {
				if err != nil || a.Status != c.status {
					t.Errorf("%s: %v", c.name, err)
				}
				continue
			}
			e := upstreamError(t, err)
			if e.Class != c.class || e.Attribute != c.attribute || e.AnswerLost != (c.lost && once) ||
				e.Status != c.status ||
				e.Advice == "" {
				t.Errorf("%s, once %t: %+v", c.name, once, *e)
			}
			if !strings.Contains(e.Message, c.message) || strings.HasSuffix(e.Message, lost) != (c.said && once) {
				t.Errorf("%s, once %t: the message is %q", c.name, once, e.Message)
			}
		}
	}
}

// A date to come back at is counted by the upstream's clock, or by ours where it does
// not tell its own.
func TestAnAnswersRetryAfterIsPassedOn(t *testing.T) {
	there := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		header     map[string]string
		from, upTo time.Duration
	}{
		"seconds": {map[string]string{"Retry-After": "7"}, 7 * time.Second, 7 * time.Second},
		"by its own clock": {map[string]string{"Retry-After": there.Add(time.Minute).Format(http.TimeFormat), "Date": there.Format(http.TimeFormat)},
			time.Minute, time.Minute},
		"by ours": {map[string]string{"Retry-After": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, 50 * time.Minute,
			time.Hour},
		"none": {nil, 0, 0},
	} {
		_, err := receive(t, upstream.Op{Name: "x"}, 429, c.header, http.NoBody)
		if e := upstreamError(t, err); e.RetryAfter < c.from || e.RetryAfter > c.upTo {
			t.Errorf("%s: %v", name, e.RetryAfter)
		}
	}
}

// A login that the document has sent again is not said to be left alone.
func TestARequestThatWasSentAgainIsSaidToBe(t *testing.T) {
	for again, want := range map[bool]string{true: "it was sent again, as the upstream's document says", false: "it is not sent again in this run"} {
		op := upstream.Op{Name: "log in", Once: true, Again: func(*upstream.Answer) bool { return again }}
		_, err := receive(t, op, 503, nil, http.NoBody)
		if e := upstreamError(t, err); !strings.Contains(e.Message, want) {
			t.Errorf("again %t: %s", again, e.Message)
		}
		a, err := receive(t, op, 409, nil, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for class, lost := range map[failure.Class]bool{failure.Retryable: true, failure.Config: false} {
			e := a.Refused("", "").As(upstream.Verdict{Class: class, Message: "wait", Again: again})
			if e.AnswerLost != lost || strings.Contains(e.Message, "it was sent again") != (again && lost) {
				t.Errorf("again %t, %s: %+v", again, class, *e)
			}
		}
	}
}

// A gateway can answer for a service that goes on working: only a refusal proves that
// a login was not processed.
func TestWhichErrorsOfAnAnswerLeaveALoginOpen(t *testing.T) {
	for _, once := range []bool{true, false} {
		a, err := receive(t, upstream.Op{Name: "log in", Once: once}, 200, nil, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for class, lost := range map[failure.Class]bool{failure.Server: true, failure.Retryable: true,
			failure.Config: false, failure.Human: false} {
			if e := a.Fail(class, "m", "a"); e.AnswerLost != (lost && once) {
				t.Errorf("%s, once %t: %+v", class, once, *e)
			}
		}
	}
}

func TestErrorsTellWhetherCredentialsWereSent(t *testing.T) {
	for _, c := range []struct {
		op   upstream.Op
		want bool
	}{
		{upstream.Op{Name: failure.LogIn}, true},
		{upstream.Op{Name: "refresh the token"}, false},
		{upstream.Op{Name: "check the token", Static: true}, true},
	} {
		a, err := receive(t, c.op, 400, nil, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if e := a.Fail(failure.Server, "m", "a"); e.OfCredentials != c.want {
			t.Errorf("%s: %+v", c.op.Name, *e)
		}
		reason := map[bool]failure.Reason{true: failure.UnclassifiedRefusal}[c.want]
		for name, e := range map[string]*failure.Error{
			"a refusal that nobody documented": a.Refused("", "").As(upstream.Undocumented),
			"one that the table leaves open":   a.Refused("", "").As(upstream.Verdict{Class: failure.Server, Message: "odd"}),
			"no token":                         a.Fields().NoToken("token"),
		} {
			if e.Class != failure.Server || e.Reason != reason {
				t.Errorf("%s, %s: %+v", c.op.Name, name, *e)
			}
		}
		for code, open := range map[int]bool{0: true, 200: false, 404: true, 429: false, 500: false, 503: false} {
			r := a.Refused("", "")
			r.Code = code
			if e := r.Unclassified("m", "a"); (e.Reason != "") != (open && c.want) {
				t.Errorf("%s, code %d: reason %q", c.op.Name, code, e.Reason)
			}
		}
	}
}

func TestAnAnswerWithoutAFieldNamesIt(t *testing.T) {
	a, err := receive(t, upstream.Op{Name: "x"}, 200, nil, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if e := a.Missing("expires_in"); e.Class != failure.Server || e.Message != `the answer has no "expires_in"` || e.Advice == "" {
		t.Errorf("%+v", *e)
	}
}

func TestWarningsNameEachFieldOnce(t *testing.T) {
	a, err := receive(t, upstream.Op{Name: "x"}, 200, nil, strings.NewReader(`{"a":[],"b":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	o, err := a.Object()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ read, want string }{
		{"a", `In the upstream's answer, "a" is not as documented; credsync leaves it out.`},
		{"a", `In the upstream's answer, "a" is not as documented; credsync leaves it out.`},
		{"b", `In the upstream's answer, "a", "b" are not as documented; credsync leaves it out.`},
	} {
		o.Text(c.read)
		if w := a.Warnings(); len(w) != 1 || w[0] != c.want {
			t.Errorf("%q", w)
		}
	}
}

// Of an answer that broke off in a client that does not read it whole by itself, nobody
// knows whether the request was processed.
func TestAnAnswerThatBreaksOffIsLost(t *testing.T) {
	for _, once := range []bool{true, false} {
		_, err := receive(t, upstream.Op{Name: "log in", Once: once}, 200, nil, iotest.ErrReader(errors.New(canary)))
		if e := upstreamError(t, err); e.Class != failure.Retryable || e.AnswerLost != once {
			t.Errorf("once %t: %+v", once, *e)
		}
	}
}

func TestSuccess(t *testing.T) {
	for status, want := range map[int]bool{199: false, 200: true, 204: true, 299: true, 300: false, 404: false} {
		if upstream.Success(status) != want {
			t.Errorf("%d", status)
		}
	}
}
