package astana_plat

import (
	"net/http"
	"strings"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// The documented messages, as plain writes them.
const (
	saidWrongCredentials = "incorrectcredentials"
	saidUnknownUser      = "userwithgivencredentialsnotfound"
	saidNoEndpoint       = "endpointnotfound"
	saidTryLater         = "error.trylater"
	saidUnknownError     = "unknownerror.trylater"
	saidGarbled          = "incorrectresponsebody.tryagain"
	saidOutdated         = "certificateisoutdated.pleasegetfreshone"
)

// plain leaves out what does not matter in a message: letter case, spaces and
// final dots. The document itself is not consistent in them.
func plain(message string) string {
	return strings.TrimRight(strings.ToLower(strings.Join(strings.Fields(message), "")), ".")
}

// The refusals of the two ways to log in differ in what is wrong with what was
// presented.
var (
	passwordRefusals = refusals("base_url",
		rejected("the login or the password is wrong", retypePassword),
		rejected("there is no user with this login", retypePassword),
	)
	certificateRefusals = refusals("certificate",
		rejected("the certificate is rejected", replaceCertificate),
		rejected("there is no user with this certificate", replaceCertificate),
	)
)

const (
	retypePassword     = "Correct login or password. credsync does not try the same ones again."
	replaceCertificate = "Ask Astana-Plat which certificate the account has, and put that one into the certificate " +
		"block. " +
		"credsync does not try the same one again."
)

// refusals are the documented errors, told by status and message together. What
// is not in the document is never taken for rejected credentials.
func refusals(attribute string, wrong, unknown upstream.Verdict) []upstream.Refusal {
	badRequest := []int{http.StatusBadRequest}
	return []upstream.Refusal{
		{Status: []int{http.StatusInternalServerError}, Means: fault("the service failed")},
		{Status: []int{http.StatusUnprocessableEntity}, Word: []string{saidWrongCredentials}, Means: wrong},
		{Status: badRequest, Word: []string{saidUnknownUser}, Means: unknown},
		{Status: badRequest, Word: []string{saidOutdated}, Means: upstream.Verdict{
			Class: failure.Human, Reason: failure.CertificateExpired,
			Message: "the certificate has expired or was revoked",
			Advice:  "Have Astana-Plat issue a new certificate and put it into the certificate block.",
		}},
		{Status: badRequest, Word: []string{saidNoEndpoint}, Means: upstream.Verdict{
			Class: failure.Config, Attribute: attribute,
			Message: "the service's certification authority does not recognize the request",
			Advice: "Check that the certificate was issued by Astana-Plat for this service and for this environment " +
				"(test or production), and that base_url and path belong to the same one. If they do, ask " +
				"Astana-Plat.",
		}},
		{
			Status: badRequest, Word: []string{saidTryLater, saidUnknownError, saidGarbled},
			Means: fault("the service's certification authority failed"),
		},
		{Status: []int{http.StatusNotFound}, Means: upstream.Verdict{
			Class:   failure.Server,
			Message: "there is nothing at this address",
			Advice:  "Check base_url and path with Astana-Plat.",
		}},
	}
}

func rejected(message, advice string) upstream.Verdict {
	return upstream.Verdict{
		Class: failure.Credentials, Reason: failure.CredentialsRejected, Message: message, Advice: advice,
	}
}

func fault(message string) upstream.Verdict {
	return upstream.Verdict{
		Class: failure.Retryable, Message: message, Advice: "This usually passes; the next run tries again.",
		Again: true,
	}
}
