package described

import (
	"fmt"
	"net/http"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// undescribed returns the error for an answer that no error block matches and that is no
// success: what its status means to the operation. why is the error of a condition of
// success that could not be evaluated.
func (o *operation) undescribed(q *Request, a *upstream.Answer, why error) error {
	switch {
	case upstream.Success(a.Status):
		return o.noSuccess(a, why)
	case a.Status >= http.StatusInternalServerError && isSafe(q.Method):
		return a.Fail(failure.Retryable, "the upstream failed", adviceFor(failure.Retryable, ""))
	case a.Status >= http.StatusInternalServerError:
		return a.Fail(failure.Server, "the upstream failed", "If this happens again, ask the upstream. "+o.adviceToDescribe())
	}
	switch o.kind {
	case OpLogin:
		return o.loginRefused(q, a)
	case OpRefresh:
		return o.refreshRefused(a)
	case OpVerify:
		return o.checkRefused(a)
	case OpLoginWithCode:
		return o.codeRefused(a)
	}
	return o.requestRefused(q, a)
}

// noSuccess is the error for a status of success whose answer is none: services that
// refuse a login so are common, so it counts as a refusal that nobody described.
func (o *operation) noSuccess(a *upstream.Answer, why error) error {
	message := fmt.Sprintf("the answer to %s is not one of success, and %s does not describe it (%s)",
		requested[o.kind], o.title(), o.Place)
	if why != nil {
		message += ": " + a.Said(why.Error())
	}
	refused := a.Refused("", "")
	refused.Code = 0
	return refused.Unclassified(message, o.adviceToDescribe())
}

// requested are the operations as something that can be refused.
var requested = map[string]string{
	OpLogin:         "the login",
	OpRefresh:       "the refresh",
	OpVerify:        "the check of the token",
	OpRevoke:        "the revocation",
	OpSendCode:      "the request for a code",
	OpLoginWithCode: "the login with the code",
}

func (o *operation) loginRefused(q *Request, a *upstream.Answer) error {
	switch {
	case !q.Counts:
		return o.requestRefused(q, a)
	case a.Status == http.StatusUnauthorized:
		return refusal(a, failure.Credentials, failure.CredentialsRejected, "the upstream rejected the credentials",
			adviceFor(failure.Credentials, ""))
	case a.Status == http.StatusForbidden:
		return noAccess(a)
	}
	return o.unclassified(a)
}

func (o *operation) refreshRefused(a *upstream.Answer) error {
	switch a.Status {
	case http.StatusUnauthorized:
		return refusal(a, failure.Credentials, "", "the token can no longer be refreshed",
			"credsync logs in to get a new one.")
	case http.StatusForbidden:
		return noAccess(a)
	}
	return o.unclassified(a)
}

func (o *operation) checkRefused(a *upstream.Answer) error {
	switch {
	case a.Status == http.StatusUnauthorized && o.Static != nil:
		return refusal(a, failure.Credentials, failure.CredentialsRejected, "the upstream rejected the token",
			adviceFor(failure.Credentials, ""))
	case a.Status == http.StatusUnauthorized:
		return refusal(a, failure.Credentials, "", "the upstream rejected the token",
			"The next apply refreshes it, or logs in.")
	case a.Status == http.StatusForbidden:
		return noAccess(a)
	case isMissing(a.Status):
		return refusal(a, failure.Config, "", "the upstream has nothing at this address that checks a token",
			fmt.Sprintf("Check base_url, and the request of verify in %s (%s).", o.title(), o.Place))
	}
	return o.unclassified(a)
}

// codeRefused doubts the code, as the password was accepted a moment ago; and a challenge
// that is kept too long does less harm than one thrown away.
func (o *operation) codeRefused(a *upstream.Answer) error {
	switch a.Status {
	case http.StatusUnauthorized:
		return o.needsCode(a)
	case http.StatusForbidden:
		return noAccess(a)
	}
	return o.unclassified(a)
}

// requestRefused is for requests that carry no attempt to log in: whatever is refused, it
// is the request.
func (o *operation) requestRefused(q *Request, a *upstream.Answer) error {
	message := fmt.Sprintf("the upstream refused the request with HTTP %d, which %s does not describe (%s)",
		a.Status, o.title(), o.Place)
	switch {
	case o.kind == OpRevoke && a.Status == http.StatusUnauthorized:
		return refusal(a, failure.Credentials, "", "the upstream rejected the token", "It has ended already.")
	case o.kind == OpSendCode && a.Status == http.StatusForbidden:
		return noAccess(a)
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden, isMissing(a.Status):
		e := a.Fail(failure.Config, message, o.adviceToDescribe())
		e.Attribute = q.URLAttribute
		return e
	}
	return a.Fail(failure.Server, message, o.adviceToDescribe())
}

// unclassified is the error for a refusal that nobody described. Of a login it is
// counted, as it may have been for the sake of the credentials.
func (o *operation) unclassified(a *upstream.Answer) error {
	message := fmt.Sprintf("the upstream refused %s with HTTP %d, which %s does not describe (%s)",
		requested[o.kind], a.Status, o.title(), o.Place)
	return a.Refused("", "").Unclassified(message, o.adviceToDescribe())
}

func (o *operation) adviceToDescribe() string {
	return fmt.Sprintf("Add an error block for this answer to %s (%s).", o.title(), o.Place)
}

func refusal(a *upstream.Answer, c failure.Class, r failure.Reason, message, advice string) error {
	e := a.Fail(c, message, advice)
	e.Reason = r
	return e
}

func noAccess(a *upstream.Answer) error {
	return refusal(a, failure.Human, failure.NoAccess, "the upstream refuses this account access",
		"Have access granted at the upstream, then run credsync apply again.")
}
