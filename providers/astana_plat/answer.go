package astana_plat

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// response is an answer that says the same in its status and in its body.
type response struct {
	*upstream.Answer
	envelope      envelope
	byCertificate bool
}

// read opens the envelope. An answer that contradicts itself is nobody's
// documented one, and must not count as rejected credentials.
func (p *provider) read(a *upstream.Answer) (*response, error) {
	r := &response{Answer: a, byCertificate: p.certificate != nil}
	if err := a.JSON(&r.envelope); err != nil {
		if a.Status == http.StatusInternalServerError {
			// Whatever the body is, often a proxy's page.
			return nil, r.unavailable("the service failed")
		}
		return nil, err
	}
	switch code := r.envelope.StatusCode; {
	case code == nil && a.Status == http.StatusInternalServerError:
		return nil, r.unavailable("the service failed")
	case code == nil:
		return nil, a.Missing("statusCode")
	case *code != a.Status:
		return nil, a.Fail(failure.Server, fmt.Sprintf("the answer contradicts itself: its statusCode is %d", *code),
			"Report it to Astana-Plat. If the address is theirs, a proxy in between may change answers.")
	}
	return r, nil
}

// token reads a good answer.
func (r *response) token() (credential.Secret, error) {
	if len(r.envelope.Data) == 0 || string(r.envelope.Data) == "null" {
		return credential.Secret{}, r.Missing("data")
	}
	var data tokenData
	if err := r.part(&data); err != nil {
		return credential.Secret{}, err
	}
	return r.Bearer("token", data.Token)
}

// part reads data, which must be an object: some services answer an empty
// list where they have nothing.
func (r *response) part(v *tokenData) error {
	var object map[string]json.RawMessage
	if json.Unmarshal(r.envelope.Data, &object) != nil {
		return r.Fail(failure.Server, "the answer's \"data\" has a wrong type or form", "Report it to Astana-Plat.")
	}
	return r.Part(r.envelope.Data, v)
}

// refused judges the documented errors, by status and message together. What
// is not in the document is never taken for rejected credentials.
func (r *response) refused() error {
	said := plain(r.envelope.said())
	switch {
	case r.Status == http.StatusInternalServerError:
		return r.unavailable("the service failed")
	case r.Status == http.StatusUnprocessableEntity && said == saidWrongCredentials:
		return r.rejected("the login or the password is wrong", "the certificate is rejected")
	case r.Status == http.StatusBadRequest:
		return r.badRequest(said)
	case r.Status == http.StatusNotFound:
		return r.fail(failure.Server, "there is nothing at this address", "Check base_url and path with Astana-Plat.")
	}
	return r.Unknown(r.envelope.said())
}

func (r *response) badRequest(said string) error {
	switch said {
	case saidUnknownUser:
		return r.rejected("there is no user with this login", "there is no user with this certificate")
	case saidOutdated:
		e := r.fail(failure.Human, "the certificate has expired or was revoked",
			"Have Astana-Plat issue a new certificate and put it into the certificate block.")
		e.Reason = failure.CertificateExpired
		return e
	case saidNoEndpoint:
		e := r.fail(failure.Config, "the service's certification authority does not know what it was asked for",
			"Check that the certificate was issued by Astana-Plat for this service and for this environment (test or production), and that base_url and path are of the same one. If all is right, ask Astana-Plat.")
		e.Attribute = "base_url"
		if r.byCertificate {
			e.Attribute = "certificate"
		}
		return e
	case saidTryLater, saidUnknownError, saidGarbled:
		return r.unavailable("the service's certification authority failed")
	}
	return r.Unknown(r.envelope.said())
}

func (r *response) rejected(password, certificate string) error {
	message, advice := password, "Correct login or password. The same ones are not tried again."
	if r.byCertificate {
		message, advice = certificate, "Ask Astana-Plat which certificate the account has, and put that into the certificate block. The same one is not tried again."
	}
	e := r.fail(failure.Credentials, message, advice)
	e.Reason = failure.CredentialsRejected
	return e
}

func (r *response) unavailable(message string) error {
	return r.fail(failure.Retryable, message, "This usually passes; the next run tries again.")
}

// fail adds what the service said to our own words.
func (r *response) fail(c failure.Class, message, advice string) *failure.Error {
	if said := r.Said(r.envelope.said()); said != "" {
		message += ": " + said
	}
	return r.Fail(c, message, advice)
}
