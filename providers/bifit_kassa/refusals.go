package bifit_kassa

import (
	"net/http"
	"slices"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// refused reads the documented error and judges it. What is no JSON object is not
// documented, whatever its status; its text may still say that the account is locked.
func refused(a *upstream.Answer, table []upstream.Refusal) error {
	if !a.IsObject() {
		r := a.Refused("", "")
		r.Searched = a.PlainText()
		if locked := r.Judge(slices.Concat(faults, lockedRefusals)); locked.Reason != failure.AccountLocked {
			return locked
		}
		// What that means for the request, the table says.
		r.Code = http.StatusLocked
		return r.Judge(table)
	}
	body := a.Fields()
	return a.Refused(body.Said("error"), body.Said("error_description")).Judge(table)
}

var (
	unauthorized = []int{http.StatusUnauthorized}
	forbidden    = []int{http.StatusForbidden}
)

// faults is the first row of each table.
var faults = []upstream.Refusal{{When: upstream.ServerFault, Means: upstream.Undocumented}}

// requestRefusals are the errors that are about the request and not about the
// account.
var requestRefusals = []upstream.Refusal{
	{Word: []string{upstream.InvalidClient, upstream.UnauthorizedClient}, Means: upstream.Verdict{
		Class: failure.Config, Attribute: "client_id",
		Message: "the service rejects this client",
		Advice:  "Correct client_id and client_secret, or remove them to use the documented ones.",
	}},
	badRequest(upstream.UnsupportedGrantType),
	badRequest(upstream.InvalidRequest),
	badRequest(upstream.InvalidScope),
}

func badRequest(word string) upstream.Refusal {
	return upstream.Refusal{Word: []string{word}, Means: upstream.Verdict{
		Class: failure.Config, Attribute: "base_url",
		Message: wrongKind(word),
		Advice:  "Check base_url; if it is correct, report this to the service: its API has changed.",
	}}
}

func wrongKind(word string) string {
	return "the service rejects this kind of request (" + word + ")"
}

// lockedRefusals are those of a locked account. The document names no such
// answer; these are the status and the texts that services of this kind use.
var lockedRefusals = []upstream.Refusal{
	{Status: []int{http.StatusLocked}, Means: lockedOut},
	{Text: upstream.Locked, Means: lockedOut},
}

var lockedOut = upstream.Verdict{
	Class: failure.Human, Reason: failure.AccountLocked,
	Message: "the account is locked",
	Advice:  "Have BIFIT Kassa unlock it, and find out what tried wrong passwords. credsync does not log in before that.",
}

var noAccess = upstream.Verdict{
	Class: failure.Human, Reason: failure.NoAccess,
	Message: "the service refuses this account",
	Advice:  "Ask BIFIT Kassa, or the organization's administrator there, why it is refused.",
}

// loginRefusals are those of a login. A 401 that gives no documented word counts
// as rejected credentials: to send the same ones again at each run could lock the
// account.
var loginRefusals = slices.Concat(
	faults,
	[]upstream.Refusal{{Word: []string{upstream.MFARequired}, Means: upstream.Verdict{
		Class: failure.Human, Reason: failure.NeedsCode,
		Message: "the account has the second factor turned on, so a login needs a code from an SMS",
		// What the service says besides is the same in other words.
		OwnWords: true,
		Advice: "Run credsync login for this account: it requests the SMS and asks for the code. " +
			"After that, credsync refreshes the token without a code.",
	}}},
	requestRefusals,
	lockedRefusals,
	[]upstream.Refusal{
		{Word: []string{upstream.InvalidGrant}, Means: wrongCredentials},
		{Status: unauthorized, Means: wrongCredentials},
		{Status: forbidden, Means: noAccess},
	},
)

var wrongCredentials = upstream.Verdict{
	Class: failure.Credentials, Reason: failure.CredentialsRejected,
	Message: "the username or the password is wrong",
	Advice: "Correct username or password. credsync does not try the same ones again. " +
		"If they work on the service's own website, set another password_encoding.",
}

// refreshRefusals are those of a refresh. Whatever the service has against the
// account, the login that follows finds out.
var refreshRefusals = slices.Concat(faults, requestRefusals, []upstream.Refusal{
	{Word: []string{upstream.InvalidGrant, upstream.MFARequired}, Means: refreshOver},
	{Status: []int{http.StatusLocked, http.StatusUnauthorized}, Means: refreshOver},
	{Text: upstream.Locked, Means: refreshOver},
	{Status: forbidden, Means: noAccess},
})

var refreshOver = upstream.Verdict{
	Class:   failure.Credentials,
	Message: "refresh unavailable: the refresh token has expired or was already used",
	Advice:  "credsync logs in to get a new one.",
}

// codeRefusals are those of sending a code, of which the document says nothing.
// No password was sent, so none can have been rejected.
var codeRefusals = slices.Concat(faults, lockedRefusals, []upstream.Refusal{
	{Status: []int{http.StatusBadRequest, http.StatusNotFound}, Means: upstream.Verdict{
		Class: failure.Config, Attribute: "username",
		Message: "the service sends no code to this username",
		Advice: "Check that username and base_url are correct, " +
			"and that the account has the second factor turned on.",
	}},
	{Status: []int{http.StatusUnauthorized, http.StatusForbidden}, Means: noAccess},
})

// codeLoginRefusals are those of a login with a code. The document has one word
// for a wrong password, a wrong code and a session that has ended. The password
// was accepted a moment ago, so it is the code that is doubted; and a challenge
// that is kept too long does less harm than one thrown away.
var codeLoginRefusals = slices.Concat(
	faults,
	[]upstream.Refusal{{Word: []string{upstream.UnsupportedGrantType}, Means: upstream.Verdict{
		Class: failure.Config, Attribute: "mfa_grant_type",
		Message: wrongKind(upstream.UnsupportedGrantType),
		Advice:  "Set mfa_grant_type to its other value, and run credsync login for this account with the same code.",
	}}},
	requestRefusals,
	lockedRefusals,
	[]upstream.Refusal{
		{Word: []string{upstream.InvalidGrant, upstream.MFARequired}, Means: wrongCode},
		{Status: unauthorized, Means: wrongCode},
		{Status: forbidden, Means: noAccess},
	},
)

var wrongCode = upstream.Verdict{
	Class: failure.Human, Reason: failure.NeedsCode,
	Message: "the code is wrong or has expired",
	Advice: "Run credsync login for this account with the code from the latest SMS; the challenge is still valid. " +
		"If that code is correct, request a new one.",
}
