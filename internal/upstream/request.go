package upstream

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
)

// Op describes what a request is for.
type Op struct {
	// Name completes "cannot …": "log in", "refresh the token".
	Name string
	// Once marks a request that must not reach the upstream twice: a login,
	// a refresh. Without it the request is repeated as HTTP allows for GET.
	Once bool
	// Attended says that a person waits for the answer of a Once request, and
	// decides whether it is sent again: no answer is a reason to do so.
	Attended bool
	// Again reports whether the upstream's document says of an answer that the request
	// is to be sent again, although it may have been processed; nil for never.
	Again func(*Answer) bool `json:"-"`
	// Described reports whether the upstream's document says what an answer means whose
	// status means the same at every other upstream, such as a redirect, or 429 for a login
	// that is locked: Send returns it to be judged, and the request is sent again only where
	// Again says so. Nil for none.
	Described func(*Answer) bool `json:"-"`
	// Static says that the token that is sent is the account's credentials.
	Static bool
	// Secrets are the account's, which no message that an upstream sends may
	// repeat.
	Secrets []credential.Secret
	// Endpoint is the attribute that says where the request goes, for the advice
	// in an error; "base_url" if empty.
	Endpoint string
	// TakesXML says that the upstream's own answers may be XML: only HTML is a page
	// then.
	TakesXML bool
}

// Request is one request as an upstream's document describes it. Its secrets
// are revealed where it is sent, and nowhere before.
type Request struct {
	Op
	// Method is GET if empty.
	Method string
	// URL has no query; see the function URL.
	URL string
	// Query is sent in this order.
	Query []Param
	// Header is what goes along besides, or in place of, what the fields below
	// make. One without a value is sent empty.
	Header    map[string]credential.Secret
	UserAgent string
	// Bearer is the token of an Authorization header; none is sent if it is zero.
	Bearer credential.Secret
	// Basic is the user and the password of an Authorization header, with a
	// colon between and not encoded; none is sent if it is zero.
	Basic credential.Secret
	// JSON is the body, unless it is nil; its secrets are of type Sent.
	JSON any
	// Form is the body, unless it is nil: fields in the order of their names.
	Form map[string]credential.Secret
	// Text is the body, as it is, where TextType is set: its content type.
	Text     credential.Secret
	TextType string
	// AnyAnswer leaves out the header that asks for JSON.
	AnyAnswer bool
}

// Param is a parameter of a query.
type Param struct {
	Name  string
	Value credential.Secret
}

// Public is a value of a request that is no secret.
func Public(value string) credential.Secret { return credential.NewSecret(value) }

// Sent is a secret in the JSON body of a Request. Unlike a Secret it can be
// encoded, so it belongs into what is made for one request and never kept.
type Sent struct{ credential.Secret }

// MarshalJSON implements json.Marshaler: the secret as a JSON string.
func (s Sent) MarshalJSON() ([]byte, error) { return json.Marshal(s.Reveal()) }

// URL joins a base URL and a path, which starts with a slash.
func URL(base, path string) string { return strings.TrimRight(base, "/") + path }

// Send sends a request through a client of a Pool. It returns any answer that
// the provider has to judge, and a *failure.Error for what means the same at
// every upstream:
//
//   - no answer: Retryable, or Config where the connection's settings are wrong,
//     or Human where the client certificate has expired by the upstream's word;
//   - 429, 502, 503, 504: Retryable, with RetryAfter;
//   - a redirect, which is never followed: Config if permanent, else Server;
//
// but for what Op.Described knows better.
//
// AnswerLost is set where a request with Op.Once may have been processed, be it an
// attempt before the one that was answered.
//
// Once ctx is done the error wraps the context's; it is a *failure.Error
// with AnswerLost if that cut off such a request.
func Send(ctx context.Context, client *http.Client, r Request) (*Answer, error) {
	req, err := r.build(ctx)
	if err != nil {
		return nil, err
	}
	return do(ctx, client, req, r.Op)
}

// build makes the HTTP request. Its errors wrap nothing: what they could wrap
// quotes the URL or the body.
func (r Request) build(ctx context.Context) (*http.Request, error) {
	body, contentType, err := r.body()
	if err != nil {
		return nil, &failure.Error{Class: failure.Config, Op: r.Name, Message: "the credentials cannot be encoded " +
			"as JSON"}
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(r.Method, http.MethodGet), r.URL, body)
	if err != nil {
		return nil, &failure.Error{
			Class: failure.Config, Op: r.Name, Attribute: r.endpoint(),
			Message: r.endpoint() + " is not a usable URL", Advice: "Correct " + r.endpoint() + ".",
		}
	}
	if len(r.Query) > 0 {
		req.URL.RawQuery = encodeQuery(r.Query)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if !r.AnyAnswer {
		req.Header.Set("Accept", "application/json")
	}
	// Asked for here, and not by the transport, so that one place undoes it.
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", r.UserAgent)
	if !r.Bearer.IsZero() {
		req.Header.Set("Authorization", "Bearer "+r.Bearer.Reveal())
	}
	if !r.Basic.IsZero() {
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(r.Basic.Reveal())))
	}
	for name, value := range r.Header {
		req.Header.Set(name, value.Reveal())
	}
	return req, nil
}

// body returns the body and its content type; neither for a request without.
func (r Request) body() (io.Reader, string, error) {
	switch {
	case r.JSON != nil:
		body, err := json.Marshal(r.JSON)
		return bytes.NewReader(body), "application/json", err
	case r.Form != nil:
		form := make([]Param, 0, len(r.Form))
		for _, name := range slices.Sorted(maps.Keys(r.Form)) {
			form = append(form, Param{Name: name, Value: r.Form[name]})
		}
		return strings.NewReader(encodeQuery(form)), "application/x-www-form-urlencoded", nil
	case r.TextType != "":
		return strings.NewReader(r.Text.Reveal()), r.TextType, nil
	}
	return nil, "", nil
}

// encodeQuery writes parameters in their order, as neither documents nor
// examples of them are sorted.
func encodeQuery(params []Param) string {
	parts := make([]string, 0, len(params))
	for _, p := range params {
		parts = append(parts, url.QueryEscape(p.Name)+"="+url.QueryEscape(p.Value.Reveal()))
	}
	return strings.Join(parts, "&")
}

// do sends a request that is ready; see Send.
func do(ctx context.Context, client *http.Client, req *http.Request, op Op) (*Answer, error) {
	shown := shownURL(req.URL)
	x := &exchange{once: op.Once, attended: op.Attended}
	x.again, x.described = x.reads(op, shown, op.Again), x.reads(op, shown, op.describes())
	resp, err := client.Do(req.WithContext(context.WithValue(ctx, exchangeKey{}, x)))
	if err != nil {
		return nil, noAnswer(ctx, err, op, shown, x.once && (x.isLost() || x.isRepeated()))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, noAnswer(ctx, err, op, shown, op.Once)
	}
	op.Secrets = slices.Concat(op.Secrets, x.secrets())
	a := x.answer(resp, body, op, shown)
	if describes := op.describes(); describes != nil && describes(a) {
		return a, nil
	}
	if err := a.common(); err != nil {
		return nil, err
	}
	return a, nil
}

// describes is Described for the statuses that it is about.
func (o Op) describes() func(*Answer) bool {
	if o.Described == nil {
		return nil
	}
	return func(a *Answer) bool { return (a.IsPassing() || isRedirect(a.Status)) && o.Described(a) }
}

// unclassified marks the refusal of credentials that the upstream's document does not
// have.
func (o Op) unclassified(e *failure.Error) {
	if o.carriesCredentials() {
		e.Reason = failure.UnclassifiedRefusal
	}
}

func (o Op) carriesCredentials() bool { return o.Name == failure.LogIn || o.Static }

func noAnswer(ctx context.Context, err error, op Op, shown string, lost bool) error {
	e := &failure.Error{Op: op.Name, URL: shown, AnswerLost: lost}
	if ctx.Err() != nil {
		if !lost {
			return ctx.Err()
		}
		e.Class, e.Message, e.Err = failure.Retryable, "stopped before the answer arrived", ctx.Err()
	} else {
		f := transportFailure(err)
		e.Class, e.Reason, e.Attribute, e.Message, e.Advice = f.class, f.reason, f.attribute, f.message, f.advice
	}
	if lost {
		e.Message += lostNote
	}
	return op.about(e)
}

// How the message of an error with AnswerLost ends.
const (
	lostNote      = "; the upstream may have processed the request, so it is not sent again in this run"
	sentAgainNote = "; it was sent again, as the upstream's document says, and one of the two may have been processed"
)

const baseURL = "base_url"

func (o Op) endpoint() string { return cmp.Or(o.Endpoint, baseURL) }

// about has an error speak of the attribute that the address is from, where
// this package says base_url.
func (o Op) about(e *failure.Error) *failure.Error {
	if e.Attribute == baseURL {
		e.Attribute = o.endpoint()
	}
	e.Advice = strings.ReplaceAll(e.Advice, baseURL, o.endpoint())
	return e
}

// shownURL is a URL without what may be secret in it.
func shownURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
