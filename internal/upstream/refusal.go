package upstream

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/credsync/credsync/failure"
)

// Refusal is a row of a table that says what an upstream's refusals mean, as its
// document does. The order of the rows counts: the first one that fits decides.
//
// A row fits where all of its conditions hold. One without any always fits.
type Refusal struct {
	// Status is one of these; any if there are none.
	Status []int
	// Word is one of these, letter by letter; any if there are none.
	Word []string
	// Text has one of these, which are in small letters, in it; any if there are
	// none.
	Text []string
	// When holds; any answer if nil.
	When func(Refused) bool

	Means Verdict
}

// Verdict is what a refusal means, and what to do about it.
type Verdict struct {
	Class  failure.Class
	Reason failure.Reason
	// Attribute that is wrong; may be empty.
	Attribute string
	// Message says what happened. The upstream's own words follow it, unless
	// OwnWords is set.
	Message  string
	OwnWords bool
	// Advice says what to do next.
	Advice string
	// Again says that the upstream's document has the request sent again.
	Again bool
}

// Undocumented is the verdict on what the document does not describe, and so
// the one on a refusal that no row fits.
var Undocumented = Verdict{}

// Refused is an answer that is no success, as its provider has read it.
type Refused struct {
	*Answer
	// Code is the status that counts: that of the answer, or the one that an
	// envelope puts in its place.
	Code int
	// Word is what the answer has for machines, such as an error code of OAuth.
	Word string
	// Said is what it has for people.
	Said string
	// Searched is what Refusal.Text is looked for in.
	Searched string
}

// Refused returns the answer as a refusal with that word and that text.
func (a *Answer) Refused(word, said string) Refused {
	return Refused{Answer: a, Code: a.Status, Word: word, Said: said, Searched: said}
}

// Judge returns the error that the table has for a refusal.
func (r Refused) Judge(table []Refusal) *failure.Error { return r.As(r.verdict(table)) }

// TryAgain reports whether the table says to send the request again. A page is nobody's
// documented answer.
func (r Refused) TryAgain(table []Refusal) bool {
	return !Success(r.Code) && !r.IsPage() && r.verdict(table).Again
}

func (r Refused) verdict(table []Refusal) Verdict {
	for _, row := range table {
		if row.fits(r) {
			return row.Means
		}
	}
	return Undocumented
}

func (row Refusal) fits(r Refused) bool {
	searched := strings.ToLower(r.Searched)
	isIn := func(text string) bool { return strings.Contains(searched, text) }
	return (len(row.Status) == 0 || slices.Contains(row.Status, r.Code)) &&
		(len(row.Word) == 0 || slices.Contains(row.Word, r.Word)) &&
		(len(row.Text) == 0 || slices.ContainsFunc(row.Text, isIn)) &&
		(row.When == nil || row.When(r))
}

// As returns the refusal as the error that a verdict makes of it.
func (r Refused) As(v Verdict) *failure.Error {
	if r.IsPage() {
		return r.page()
	}
	if v == Undocumented {
		message := "this answer is not documented"
		if text := r.Answer.Said(r.Said); text != "" {
			message += ": " + text
		}
		return r.Unclassified(message, askUpstream)
	}
	message := v.Message
	if r.Code != r.Status {
		message += fmt.Sprintf(" (code %d in the answer)", r.Code)
	}
	if said := r.Answer.Said(r.Said); said != "" && !v.OwnWords {
		message += ": " + said
	}
	if v.Class == failure.Server {
		return r.Unclassified(message, v.Advice)
	}
	e := r.Fail(v.Class, message, v.Advice)
	e.Reason, e.Attribute = v.Reason, v.Attribute
	if e.AnswerLost && v.Again {
		e.Message += sentAgainNote
	}
	return e
}

// Unclassified returns the error for an answer of which the document does not say what
// it means. Where it refuses what was sent, and that were the account's credentials, it
// may have been for their sake.
func (r Refused) Unclassified(message, advice string) *failure.Error {
	e := r.Fail(failure.Server, message, advice)
	if refusesRequest(r.Code) || r.Code == 0 {
		// 0 is a code inside that nobody documented, in place of a token.
		r.op.unclassified(e)
	}
	return e
}

// refusesRequest reports whether a status says that the request was refused for its
// own sake, and would be again.
func refusesRequest(status int) bool {
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError &&
		status != http.StatusTooManyRequests && !passing(status)
}

// ServerFault is a condition of a Refusal: the fault is the server's own, so it
// says nothing of the account.
func ServerFault(r Refused) bool { return r.Code >= http.StatusInternalServerError }

// ClientFault is a condition of a Refusal: the request is refused for its own sake.
func ClientFault(r Refused) bool { return r.Code >= http.StatusBadRequest && !ServerFault(r) }
