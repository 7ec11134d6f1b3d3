package invoicebox

import (
	"net/http"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// refusals are the documented errors of the check.
var refusals = []upstream.Refusal{
	{Status: []int{http.StatusUnauthorized}, Means: upstream.Verdict{
		Class:   failure.Credentials,
		Message: "the token is rejected",
		Advice:  "Create a new token on the service's account pages and put it into the configuration.",
	}},
	{Status: []int{http.StatusForbidden}, Means: upstream.Verdict{
		Class: failure.Human, Reason: failure.NoAccess,
		Message: "the token's owner has no access",
		Advice:  "Have the service, or the account's administrator there, grant access to the API.",
	}},
	{Status: []int{http.StatusNotFound}, Means: upstream.Verdict{
		Class: failure.Config, Attribute: "base_url",
		Message: "there is no such method at this address",
		Advice:  "Correct base_url, or set api_version to the version that the account uses.",
	}},
}

// anonymous is the verdict on a 200 without a user, which is what the service
// answers to a request without a token. Taking that for success would deliver a
// token that nobody has checked.
var anonymous = upstream.Verdict{
	Class: failure.Config, Attribute: "token",
	Message: "the service saw no token: it answered as if to an anonymous user",
	Advice: "Check that no proxy removes the Authorization header, " +
		"and that token and api_version are correct.",
}
