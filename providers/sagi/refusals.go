package sagi

import (
	"net/http"
	"slices"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

var (
	badRequest   = []int{http.StatusBadRequest}
	unauthorized = []int{http.StatusUnauthorized}
	forbidden    = []int{http.StatusForbidden}
)

// faults are the first rows of each table: the service's own, which pass.
var faults = []upstream.Refusal{
	{When: upstream.ServerFault, Means: serviceFailed},
	// Only an envelope says so here: as an HTTP status it is the same everywhere.
	{Status: []int{http.StatusTooManyRequests}, Means: serviceFailed},
}

var serviceFailed = upstream.Verdict{
	Class:   failure.Retryable,
	Message: "the service failed",
	Advice:  "This usually passes; the next run tries again.",
	Again:   true,
}

// accountRefusals are what a login and a refresh have in common.
var accountRefusals = []upstream.Refusal{
	{Status: forbidden, Means: noAccess(
		"the service refuses this account",
		"Ask Sagi, or the organization's administrator there, why the account is blocked.",
	)},
	// By this 404 the service says that its token maker failed.
	{Status: []int{http.StatusNotFound}, Text: []string{"failed creating token"}, Means: serviceFailed},
}

var loginRefusals = slices.Concat(faults, []upstream.Refusal{
	{Status: unauthorized, Means: upstream.Verdict{
		Class: failure.Credentials, Reason: failure.CredentialsRejected,
		Message: "the phone or the password is wrong",
		Advice:  "Correct phone, password or license_key. credsync does not try the same ones again.",
	}},
	{Status: badRequest, Means: upstream.Verdict{
		Class: failure.Config, Attribute: "phone",
		Message: "the service cannot read the login",
		Advice:  "Check phone, password and license_key for invalid characters.",
	}},
}, accountRefusals)

var refreshRefusals = slices.Concat(faults, []upstream.Refusal{
	{Status: unauthorized, Means: upstream.Verdict{
		Class:   failure.Credentials,
		Message: "the token can no longer be refreshed",
		Advice:  "credsync logs in to get a new one.",
	}},
	{Status: badRequest, Means: upstream.Verdict{
		Class:   failure.Config,
		Message: "the service cannot read the refresh request",
		Advice:  "Log in again with apply --replace; if this happens again, report it to Sagi.",
	}},
}, accountRefusals)

// lookupRefusals are those of the lookup of a branch.
func lookupRefusals(branchID string) []upstream.Refusal {
	return slices.Concat(faults, []upstream.Refusal{
		{Status: unauthorized, Means: upstream.Verdict{
			Class:   failure.Credentials,
			Message: "the token is rejected",
			Advice:  "The next apply refreshes it, or logs in.",
		}},
		{Status: badRequest, Means: upstream.Verdict{
			Class: failure.Config, Attribute: "branch_id",
			Message: "the service does not accept " + branchID + " as a branch",
			Advice:  "Correct branch_id.",
		}},
		{Status: []int{http.StatusForbidden, http.StatusNotFound}, Means: noAccess(
			"the account has no access to branch "+branchID,
			"Have access to it restored at Sagi, or set branch_id to another branch.",
		)},
	})
}

func noAccess(message, advice string) upstream.Verdict {
	return upstream.Verdict{Class: failure.Human, Reason: failure.NoAccess, Message: message, Advice: advice}
}
