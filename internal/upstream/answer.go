package upstream

import (
	"fmt"
	"net/http"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
)

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

// common judges the statuses that mean the same everywhere.
func (a *Answer) common(h http.Header) error {
	var e *failure.Error
	switch {
	case a.Status == http.StatusTooManyRequests:
		e = a.Fail(failure.Retryable, "too many requests", "The next run tries again. If it happens often, lower "+
			"http.requests_per_second.")
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
	return a.op.about(e)
}

func (a *Answer) redirected(origin string) *failure.Error {
	where := "elsewhere"
	if origin != "" {
		// The host's name is as much the upstream's words as any message.
		where = "to " + a.Said(origin)
	}
	e := a.Fail(failure.Server, "the upstream redirects "+where+", which is not followed since it would carry the "+
		"secrets along",
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
	return a.op.about(&failure.Error{
		Class: c, Op: a.op.Name, URL: a.url, Status: a.Status, Message: message, Advice: advice,
	})
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
