package sagi

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// response is an answer with its envelope opened.
type response struct {
	*upstream.Answer
	envelope envelope
	mode     string
	// status is the HTTP status or the envelope's code; see envelope.status.
	status int
}

func (p *provider) read(a *upstream.Answer) (*response, error) {
	r := &response{Answer: a, mode: p.envelope, status: a.Status}
	if a.Status >= http.StatusInternalServerError {
		// Whatever the body is, often a proxy's page.
		return nil, r.unavailable()
	}
	if err := a.JSON(&r.envelope); err != nil {
		return nil, err
	}
	if p.envelope != envelopeBare {
		r.status = r.envelope.status(a.Status)
	}
	if r.status >= http.StatusInternalServerError || r.status == http.StatusTooManyRequests {
		return nil, r.unavailable()
	}
	return r, nil
}

// decode reads the data, be it wrapped or bare.
func (r *response) decode(v any) error {
	switch {
	case r.mode == envelopeWrapped && !r.envelope.wrapped():
		return r.Missing("data")
	case r.mode != envelopeBare && r.envelope.wrapped():
		return r.Part(r.envelope.Data, v)
	}
	return r.JSON(v)
}

// token reads the part that logins and refreshes have in common.
func (r *response) token(issuedAt time.Time) (credential.Token, tokenAnswer, error) {
	var answer tokenAnswer
	if err := r.decode(&answer); err != nil {
		return credential.Token{}, answer, err
	}
	access, err := r.Bearer("access_token", answer.AccessToken)
	if err != nil {
		return credential.Token{}, answer, err
	}
	var expire time.Time
	if answer.Expire != nil {
		if expire, err = time.Parse(time.RFC3339, *answer.Expire); err != nil {
			return credential.Token{}, answer, r.Fail(failure.Server, "the answer's \"expire\" is not an RFC 3339 time", "Report it to the upstream.")
		}
	}
	expires := upstream.Earlier(expire.UTC(), upstream.JWTExpiry(access))
	if expires.IsZero() {
		expires = issuedAt.Add(lifetime)
	}
	return credential.Token{Access: access, IssuedAt: issuedAt, ExpiresAt: expires}, answer, nil
}

// outputs are what a login says besides the token.
func (p *provider) outputs(answer tokenAnswer) credential.Outputs {
	org := answer.Organization
	out := credential.Outputs{}
	branches := make([]string, 0, len(org.Branches))
	for _, id := range org.Branches {
		if !id.IsZero() {
			branches = append(branches, string(id))
		}
	}
	out["branches"] = branches
	if !org.ID.IsZero() {
		out["organization_id"] = string(org.ID)
	}
	if org.Role != nil {
		out["role"] = *org.Role
	}
	if answer.Muted != nil {
		out["muted"] = *answer.Muted
	}
	chosen := p.choose(branches)
	if chosen == "" {
		return out
	}
	out["branch_id"] = chosen
	for _, b := range org.Details {
		if string(b.ID) != chosen {
			continue
		}
		if b.Name != nil {
			out["branch_name"] = *b.Name
		}
		if b.SubscriptionActive != nil {
			out["subscription_active"] = *b.SubscriptionActive
		}
	}
	return out
}

// choose returns the branch to work with. The order of the list is not
// guaranteed, so the first login's choice stays.
func (p *provider) choose(branches []string) string {
	switch pinned := p.env.Previous.String("branch_id"); {
	case p.branchID != "":
		return p.branchID
	case pinned != "":
		return pinned
	case len(branches) > 0:
		return branches[0]
	}
	return ""
}

func (r *response) loginRefused() error {
	switch {
	case r.status == http.StatusUnauthorized:
		e := r.fail(failure.Credentials, "the phone or the password is wrong", "Correct phone, password or license_key. The same ones are not tried again.")
		e.Reason = failure.CredentialsRejected
		return e
	case r.status == http.StatusBadRequest:
		e := r.fail(failure.Config, "the service cannot read the login", "Check phone, password and license_key for characters that do not belong there.")
		e.Attribute = "phone"
		return e
	case r.status == http.StatusForbidden:
		return r.noAccess("the service refuses this account", "Ask Sagi, or the organization's administrator there, why the account is blocked.")
	case r.tokenNotMade():
		return r.unavailable()
	}
	return r.Unknown(r.envelope.said())
}

func (r *response) refreshRefused() error {
	switch {
	case r.status == http.StatusUnauthorized:
		return r.fail(failure.Credentials, "the token can no longer be refreshed", "A login gives a new one.")
	case r.status == http.StatusBadRequest:
		return r.fail(failure.Config, "the service cannot read the refresh", "Log in again with apply --replace; if it comes back, report it.")
	case r.status == http.StatusForbidden:
		return r.noAccess("the service refuses this account", "Ask Sagi, or the organization's administrator there, why the account is blocked.")
	case r.tokenNotMade():
		return r.unavailable()
	}
	return r.Unknown(r.envelope.said())
}

func (r *response) lookupRefused(branchID string) error {
	switch r.status {
	case http.StatusUnauthorized:
		return r.fail(failure.Credentials, "the token is rejected", "The next apply refreshes it, or logs in.")
	case http.StatusBadRequest:
		e := r.fail(failure.Config, "the service does not take "+branchID+" for a branch", "Correct branch_id.")
		e.Attribute = "branch_id"
		return e
	case http.StatusForbidden, http.StatusNotFound:
		return r.noAccess("the account has no access to branch "+branchID, "Have access to it restored at Sagi, or set branch_id to another branch.")
	}
	return r.Unknown(r.envelope.said())
}

// tokenNotMade recognizes the 404 by which the service says that its token
// maker failed.
func (r *response) tokenNotMade() bool {
	return r.status == http.StatusNotFound && strings.Contains(strings.ToLower(r.envelope.said()), "failed creating token")
}

func (r *response) unavailable() error {
	return r.fail(failure.Retryable, "the service failed", "This usually passes; the next run tries again.")
}

func (r *response) noAccess(message, advice string) error {
	e := r.fail(failure.Human, message, advice)
	e.Reason = failure.NoAccess
	return e
}

// fail adds what the service said to our own words.
func (r *response) fail(c failure.Class, message, advice string) *failure.Error {
	if r.status != r.Status {
		message += fmt.Sprintf(" (code %d in the answer)", r.status)
	}
	if said := r.Said(r.envelope.said()); said != "" {
		message += ": " + said
	}
	return r.Fail(c, message, advice)
}

// listed writes identifiers for a sentence: a few, then how many more.
func listed(ids []string) string {
	const most = 5
	if len(ids) > most {
		return strings.Join(ids[:most], ", ") + ", …"
	}
	return strings.Join(ids, ", ")
}
