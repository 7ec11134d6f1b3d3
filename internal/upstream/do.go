package upstream

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
)

// Op describes a request to Do.
type Op struct {
	// Name completes "cannot …": "log in", "refresh the token".
	Name string
	// Once marks a request that must not reach the upstream twice: a login,
	// a refresh. Without it the request is repeated as HTTP allows for GET.
	Once bool
	// Attended says that a person waits for the answer of a Once request, and
	// decides whether it is sent again: no answer is a reason to do so.
	Attended bool
	// Secrets are the account's, which no message that an upstream sends may
	// repeat.
	Secrets []credential.Secret
}

// Answer is an upstream's whole answer to a request. Printing it shows no
// part of the body.
type Answer struct {
	Status      int
	ContentType string
	// Date is the upstream's clock; zero if it did not say.
	Date time.Time

	op   Op
	url  string
	body credential.Secret
}

// Do sends req through a client of a Pool. It returns any answer that the
// provider has to judge, and a *failure.Error for what means the same at
// every upstream:
//
//   - no answer: Retryable, or Config where the connection's settings are wrong,
//     or Human where the client certificate has expired by the upstream's word;
//   - 429, 502, 503, 504: Retryable, with RetryAfter;
//   - a redirect, which is never followed: Config if permanent, else Server.
//
// AnswerLost is set where a request with Op.Once may have been processed.
//
// Once ctx is done the error wraps the context's; it is a *failure.Error
// with AnswerLost if that cut off such a request.
func Do(ctx context.Context, client *http.Client, req *http.Request, op Op) (*Answer, error) {
	x := &exchange{once: op.Once, attended: op.Attended}
	shown := shownURL(req.URL)
	resp, err := client.Do(req.WithContext(context.WithValue(ctx, exchangeKey{}, x)))
	if err != nil {
		return nil, noAnswer(ctx, err, op, shown, x.once && x.isLost())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, noAnswer(ctx, err, op, shown, op.Once)
	}
	op.Secrets = slices.Concat(op.Secrets, x.secrets())
	a := &Answer{Status: resp.StatusCode, op: op, url: shown, body: credential.NewSecret(string(body))}
	a.ContentType, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	a.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	if err := a.common(resp.Header); err != nil {
		return nil, err
	}
	return a, nil
}

func noAnswer(ctx context.Context, err error, op Op, shown string, lost bool) error {
	e := &failure.Error{Op: op.Name, URL: shown, AnswerLost: lost}
	if ctx.Err() != nil {
		if !lost {
			return ctx.Err()
		}
		e.Class, e.Message, e.Err = failure.Retryable, "stopped before the answer came", ctx.Err()
	} else {
		f := transportFailure(err)
		e.Class, e.Reason, e.Attribute, e.Message, e.Advice = f.class, f.reason, f.attribute, f.message, f.advice
	}
	if lost {
		e.Message += lostNote
	}
	return e
}

// lostNote ends the message of an error with AnswerLost.
const lostNote = "; the upstream may have processed the request, so it is not sent again in this run"

// common judges the statuses that mean the same everywhere.
func (a *Answer) common(h http.Header) error {
	var e *failure.Error
	switch {
	case a.Status == http.StatusTooManyRequests:
		e = a.Fail(failure.Retryable, "too many requests", "The next run tries again. If it happens often, lower http.requests_per_second.")
	case unavailable(a.Status):
		e = a.Fail(failure.Retryable, "the upstream is not available", tryLater)
		if a.op.Once && !turnedAway(a.Status, h) {
			e.AnswerLost = true
			e.Message += lostNote
		}
	case a.Status == http.StatusProxyAuthRequired:
		f := proxyFailure(a.Status)
		e = a.Fail(f.class, f.message, f.advice)
		e.Attribute = f.attribute
	case a.Status >= 300 && a.Status < 400:
		e = a.redirected(h.Get("Location"))
	default:
		return nil
	}
	now := a.Date
	if now.IsZero() {
		now = time.Now()
	}
	e.RetryAfter = retryAfter(h, now)
	return e
}

func (a *Answer) redirected(origin string) *failure.Error {
	where := "elsewhere"
	if origin != "" {
		// The host's name is as much the upstream's words as any message.
		where = "to " + a.Said(origin)
	}
	e := a.Fail(failure.Server, "the upstream redirects "+where+", which is not followed since it would carry the secrets along",
		"Find out what answers at this address: a maintenance page, a captive portal, a wrong base_url.")
	if a.Status == http.StatusMovedPermanently || a.Status == http.StatusPermanentRedirect {
		e.Class, e.Attribute = failure.Config, "base_url"
		e.Advice = "If that is the upstream's new address, set base_url to it."
	}
	return e
}

// Fail returns an error about this answer. The message must be the program's
// own words, or come from Said.
func (a *Answer) Fail(c failure.Class, message, advice string) *failure.Error {
	return &failure.Error{Class: c, Op: a.op.Name, URL: a.url, Status: a.Status, Message: message, Advice: advice}
}

// Missing returns the error for an answer without a field that it must have.
func (a *Answer) Missing(field string) *failure.Error {
	return a.Fail(failure.Server, fmt.Sprintf("the answer has no %q", field), askUpstream)
}

// Unknown returns the error for an answer that nobody documented. said is the
// upstream's own message, if its documented field for one is there.
func (a *Answer) Unknown(said string) *failure.Error {
	message := "this answer is not documented"
	if text := a.Said(said); text != "" {
		message += ": " + text
	}
	return a.Fail(failure.Server, message, askUpstream)
}

// Said returns a documented error field of the upstream fit for a message: one
// line of at most 200 printable characters, or a note in its place if it
// repeats a piece of a secret.
func (a *Answer) Said(text string) string {
	return Clean(text, a.op.Secrets...)
}

const askUpstream = "Check base_url; if it is right, the upstream has changed or is broken: report it there."

// Success reports whether a status is one of success.
func Success(status int) bool { return status >= http.StatusOK && status < http.StatusMultipleChoices }

// shownURL is a URL without what may be secret in it.
func shownURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// URL joins a base URL and a path, which starts with a slash.
func URL(base, path string) string { return strings.TrimRight(base, "/") + path }
