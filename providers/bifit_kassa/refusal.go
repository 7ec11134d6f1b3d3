package bifit_kassa

import (
	"net/http"
	"strings"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// response is an answer that is no success, with its error read.
type response struct {
	*upstream.Answer
	refusal refusal
}

// refuse reads the error and has it judged. What is not a JSON object comes
// from something else than the service, so it says nothing of credentials; nor
// does an error of the server's own.
func refuse(a *upstream.Answer, judge func(*response) error) error {
	r := &response{Answer: a}
	if err := a.JSON(&r.refusal); err != nil {
		return err
	}
	if a.Status >= http.StatusInternalServerError {
		return r.unknown()
	}
	return judge(r)
}

// loginRefused judges a login's refusal. A 401 that gives no documented word
// counts as rejected credentials: to send the same ones again at each run could
// lock the account.
func (r *response) loginRefused() error {
	switch word := r.refusal.word(); {
	case word == "mfa_required":
		// What the service says besides is the same in other words.
		e := r.Fail(failure.Human, "the account has the second factor turned on, so a login needs a code from an SMS",
			"Run credsync login for this account: it has the SMS sent and asks for the code. From then on the token is refreshed without one.")
		e.Reason = failure.NeedsCode
		return e
	case r.requestRefused():
		return r.badRequest()
	case r.locked():
		return r.lockedOut()
	case word == "invalid_grant", r.Status == http.StatusUnauthorized:
		e := r.fail(failure.Credentials, "the username or the password is wrong",
			"Correct username or password. The same ones are not tried again. If the service's own pages accept them, set another password_encoding.")
		e.Reason = failure.CredentialsRejected
		return e
	case r.Status == http.StatusForbidden:
		return r.noAccess()
	}
	return r.unknown()
}

// refreshRefused judges a refresh's refusal. Whatever the service has against
// the account, the login that follows finds out.
func (r *response) refreshRefused() error {
	switch word := r.refusal.word(); {
	case r.requestRefused():
		return r.badRequest()
	case word == "invalid_grant", word == "mfa_required", r.locked(), r.Status == http.StatusUnauthorized:
		return r.fail(failure.Credentials, "refresh unavailable: the refresh token has ended or was used before", "A login gives a new one.")
	case r.Status == http.StatusForbidden:
		return r.noAccess()
	}
	return r.unknown()
}

// codeRefused judges the refusal to send a code, of which the document says
// nothing. No password was sent, so none can have been rejected.
func (r *response) codeRefused() error {
	switch {
	case r.locked():
		return r.lockedOut()
	case r.Status == http.StatusBadRequest, r.Status == http.StatusNotFound:
		e := r.fail(failure.Config, "the service sends no code to this username",
			"Check that username and base_url are right, and that the account has the second factor turned on.")
		e.Attribute = "username"
		return e
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		return r.noAccess()
	}
	return r.unknown()
}

// codeLoginRefused judges the refusal of a login with a code. The document has
// one word for a wrong password, a wrong code and a session that has ended. The
// password was accepted a moment ago, so it is the code that is doubted; and a
// challenge that is kept too long does less harm than one thrown away.
func (r *response) codeLoginRefused() error {
	switch word := r.refusal.word(); {
	case r.requestRefused():
		e := r.badRequest()
		if word == "unsupported_grant_type" {
			e.Attribute = "mfa_grant_type"
			e.Advice = "Set mfa_grant_type to its other value, and run credsync login for this account with the same code."
		}
		return e
	case r.locked():
		return r.lockedOut()
	case word == "invalid_grant", word == "mfa_required", r.Status == http.StatusUnauthorized:
		e := r.fail(failure.Human, "the code is wrong, or too old",
			"Run credsync login for this account with the code of the latest SMS; the challenge can still be used. If that code is right, have a new one sent.")
		e.Reason = failure.NeedsCode
		return e
	case r.Status == http.StatusForbidden:
		return r.noAccess()
	}
	return r.unknown()
}

// readRefused judges the refusal of the read that verify_path names.
func (r *response) readRefused() error {
	switch r.Status {
	case http.StatusUnauthorized:
		return r.fail(failure.Credentials, "the token is rejected", "The next apply refreshes it, or logs in.")
	case http.StatusForbidden:
		e := r.fail(failure.Human, "the token may not read verify_path",
			"Have the administrator of the organization at BIFIT Kassa give the account all rights, or set verify_path to something that it may read.")
		e.Reason = failure.NoAccess
		return e
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed:
		e := r.fail(failure.Config, "there is nothing to read at verify_path", "Correct verify_path, or leave it out.")
		e.Attribute = "verify_path"
		return e
	}
	return r.unknown()
}

// requestRefused recognizes the errors that are about the request and not about
// the account.
func (r *response) requestRefused() bool {
	switch r.refusal.word() {
	case "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_request", "invalid_scope":
		return true
	}
	return false
}

// locked recognizes a locked account. The document names no such answer; these
// are the status and the words that services of this kind use.
func (r *response) locked() bool {
	said := strings.ToLower(text(r.refusal.Description))
	return r.Status == http.StatusLocked || strings.Contains(said, "заблокирован") || strings.Contains(said, "locked")
}

// badRequest is the error for what requestRefused recognizes.
func (r *response) badRequest() *failure.Error {
	word := r.refusal.word()
	if word == "invalid_client" || word == "unauthorized_client" {
		e := r.fail(failure.Config, "the service does not take this client", "Correct client_id and client_secret, or leave them out to use the documented ones.")
		e.Attribute = "client_id"
		return e
	}
	e := r.fail(failure.Config, "the service does not take this kind of request ("+word+")", "Check base_url; if it is right, the service has changed: report it.")
	e.Attribute = "base_url"
	return e
}

func (r *response) lockedOut() error {
	e := r.fail(failure.Human, "the account is locked", "Have it unlocked at BIFIT Kassa, and find out who tried which passwords. Nothing is tried again before.")
	e.Reason = failure.AccountLocked
	return e
}

func (r *response) noAccess() error {
	e := r.fail(failure.Human, "the service refuses this account", "Ask BIFIT Kassa, or the organization's administrator there, why it is refused.")
	e.Reason = failure.NoAccess
	return e
}

func (r *response) unknown() error { return r.Unknown(text(r.refusal.Description)) }

// fail adds what the service said to our own words.
func (r *response) fail(c failure.Class, message, advice string) *failure.Error {
	if said := r.Said(text(r.refusal.Description)); said != "" {
		message += ": " + said
	}
	return r.Fail(c, message, advice)
}
