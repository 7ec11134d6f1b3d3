package upstream

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	// header is behind a function, so that nothing that prints an answer reaches it.
	header func() http.Header
	// repeated says that the upstream may have processed an attempt before the one that
	// this answers, of a request with Op.Once.
	repeated bool
	// leftOut are the fields that were left out; see Object.
	leftOut []string
}

// newAnswer reads an answer that has come whole.
func newAnswer(resp *http.Response, body []byte, op Op, url string) *Answer {
	a := &Answer{Status: resp.StatusCode, op: op, url: url}
	var parameters map[string]string
	a.ContentType, parameters, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	a.body = credential.NewSecret(string(decodeText(body, parameters["charset"])))
	a.Date, _ = http.ParseTime(resp.Header.Get("Date"))
	header := resp.Header
	a.header = func() http.Header { return header }
	return a
}

// IsPassing reports whether the status says that the upstream cannot be had, or does not
// want more requests, at the moment: it says nothing of what was sent.
func (a *Answer) IsPassing() bool { return a.Status == http.StatusTooManyRequests || passing(a.Status) }

// Header returns the answer's header. It may hold secrets, as a body does.
func (a *Answer) Header() http.Header {
	if a.header == nil {
		return nil
	}
	return a.header().Clone()
}

// Cookies are the cookies that the answer sets, by their names: of one that is set
// twice, the last value.
func (a *Answer) Cookies() map[string]credential.Secret {
	set := map[string]credential.Secret{}
	for _, c := range (&http.Response{Header: a.Header()}).Cookies() {
		set[c.Name] = credential.NewSecret(c.Value)
	}
	return set
}

// leaveOut notes a field that is left out.
func (a *Answer) leaveOut(path string) {
	if !slices.Contains(a.leftOut, path) {
		a.leftOut = append(a.leftOut, path)
	}
}

// Warnings are sentences about what was left out of an answer of success.
func (a *Answer) Warnings() []string {
	if len(a.leftOut) == 0 {
		return nil
	}
	quoted := make([]string, len(a.leftOut))
	for i, path := range a.leftOut {
		quoted[i] = strconv.Quote(path)
	}
	is := "is"
	if len(quoted) > 1 {
		is = "are"
	}
	return []string{fmt.Sprintf("In the upstream's answer, %s %s not as documented; credsync leaves it out.", strings.Join(quoted, ", "), is)}
}

// common judges the statuses that mean the same everywhere.
func (a *Answer) common() error {
	var e *failure.Error
	switch {
	case a.Status == http.StatusTooManyRequests:
		e = a.Fail(failure.Retryable, "too many requests", "The next run tries again. If it happens often, lower "+
			"http.requests_per_second.")
	case passing(a.Status):
		e = a.Fail(failure.Retryable, passingMessage(a.Status), tryLater)
	case a.Status == http.StatusProxyAuthRequired:
		f := proxyFailure(a.Status)
		e = a.Fail(f.class, f.message, f.advice)
		e.Attribute, e.AnswerLost = f.attribute, a.repeated
	case isRedirect(a.Status):
		e = a.redirected()
	default:
		return nil
	}
	e.RetryAfter = a.RetryAfter()
	if e.AnswerLost && e.Class == failure.Retryable {
		e.Message += a.lostNote()
	}
	return a.op.about(e)
}

// RetryAfter is how long the upstream asks to wait; 0 where it does not, or not in a form
// that can be read.
func (a *Answer) RetryAfter() time.Duration {
	now := a.Date
	if now.IsZero() {
		now = time.Now()
	}
	wait, _ := retryAfter(a.Header(), now)
	return wait
}

// lostNote ends the message of an error with AnswerLost.
func (a *Answer) lostNote() string {
	if a.op.Again != nil && a.op.Again(a) {
		return sentAgainNote
	}
	return lostNote
}

func isRedirect(status int) bool {
	return status >= http.StatusMultipleChoices && status < http.StatusBadRequest
}

func passingMessage(status int) string {
	if status == http.StatusRequestTimeout || status == http.StatusTooEarly {
		return "the upstream stopped waiting for the request"
	}
	return "the upstream is not available"
}

// redirected names the origin of the new place: the rest of it can repeat a query.
func (a *Answer) redirected() *failure.Error {
	where := "elsewhere"
	if u, err := url.Parse(a.Header().Get("Location")); err == nil && u.Host != "" {
		// The host's name is as much the upstream's words as any message.
		where = "to " + a.Said((&url.URL{Scheme: u.Scheme, Host: u.Host}).String())
	}
	e := a.Fail(failure.Server, "the upstream redirects "+where+"; credsync does not follow, because that would send the "+
		"secrets along",
		"Check base_url, and whether a maintenance page or a captive portal answers at this address.")
	if a.Status == http.StatusMovedPermanently || a.Status == http.StatusPermanentRedirect {
		e.Class, e.Attribute, e.AnswerLost = failure.Config, "base_url", a.op.Once
		e.Advice = "If that is the upstream's new address, set base_url to it."
	}
	return e
}

// Fail returns an error about this answer. The message must be the program's
// own words, or come from Said.
//
// Of a request that must not reach the upstream twice, an answer that is neither a
// documented refusal nor a documented demand does not prove that it was not
// processed: a gateway can answer for a service that went on working. Where the document
// has it sent again, no later answer says what became of the first attempt.
func (a *Answer) Fail(c failure.Class, message, advice string) *failure.Error {
	unsure := a.op.Once && (c == failure.Server || c == failure.Retryable) && !turnedAway(a.Status, a.Header())
	return a.op.about(&failure.Error{
		Class: c, Op: a.op.Name, URL: a.url, Status: a.Status, Message: message, Advice: advice,
		AnswerLost:    a.repeated || unsure,
		OfCredentials: a.op.carriesCredentials(),
	})
}

// Missing returns the error for an answer without a field that it must have.
func (a *Answer) Missing(field string) *failure.Error {
	return a.Fail(failure.Server, fmt.Sprintf("the answer has no %q", field), askUpstream)
}

// noToken returns the error for an answer that has no token to take, though it reads
// as the service's own. Services that refuse a login with a status of success are
// common, so it counts as a refusal that nobody documented.
func (a *Answer) noToken(message string) *failure.Error { return a.Tokenless(message, askUpstream) }

// Tokenless is noToken for whoever has better advice.
func (a *Answer) Tokenless(message, advice string) *failure.Error {
	e := a.Fail(failure.Server, message, advice)
	a.op.unclassified(e)
	return e
}

// Said returns a documented error field of the upstream fit for a message: one
// line of at most 200 printable characters, or a note in its place if it
// repeats a piece of a secret.
func (a *Answer) Said(text string) string {
	return Clean(text, a.op.Secrets...)
}

const askUpstream = "Check base_url; if it is correct, report this to the upstream: its API has changed or is broken."

// Success reports whether a status is one of success.
func Success(status int) bool { return status >= http.StatusOK && status < http.StatusMultipleChoices }
