package sagi

import (
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
)

// tokenAnswer is what a login and, without the lower half, a refresh answer.
type tokenAnswer struct {
	AccessToken upstream.Hidden `json:"access_token"`
	Expire      *string         `json:"expire"`

	Muted        *bool         `json:"muted"`
	Organization *organization `json:"organization"`
}

type organization struct {
	ID       upstream.ID   `json:"id"`
	Role     *string       `json:"role"`
	Branches []upstream.ID `json:"branches"`
	Details  []branch      `json:"branches_details"`
}

type branch struct {
	ID                 upstream.ID `json:"id"`
	Name               *string     `json:"name"`
	SubscriptionActive *bool       `json:"subscription_active"`
}

// branchAnswer is what the branch lookup answers.
type branchAnswer struct {
	ID      upstream.ID `json:"id"`
	GroupID upstream.ID `json:"group_id"`
	Name    *string     `json:"name"`
}

// readToken reads the part that logins and refreshes have in common.
func (r *response) readToken(issuedAt time.Time) (credential.Token, tokenAnswer, error) {
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
			return credential.Token{}, answer, r.Fail(failure.Server, "the answer's \"expire\" is not an RFC 3339 "+
				"time", "Report it to the upstream.")
		}
	}
	return credential.Token{
		Access: access, IssuedAt: issuedAt,
		ExpiresAt: upstream.Expiry(issuedAt, expire.UTC(), access, lifetime),
	}, answer, nil
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
