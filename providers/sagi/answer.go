package sagi

import (
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/upstream"
)

// readToken reads what logins and refreshes have in common, and returns the answer
// for the rest.
func (r *response) readToken(issuedAt time.Time) (credential.Token, *upstream.Object, error) {
	data, err := r.data()
	if err != nil {
		return credential.Token{}, nil, err
	}
	access, err := data.Bearer("access_token")
	if err != nil {
		return credential.Token{}, nil, err
	}
	return credential.Token{
		Access: access, IssuedAt: issuedAt, AnsweredAt: r.Date,
		ExpiresAt: upstream.Expiry(issuedAt, data.Time("expire"), access, lifetime),
	}, data, nil
}

// outputs are what a login says besides the token.
func (p *provider) outputs(answer *upstream.Object) credential.Outputs {
	org := answer.Object("organization")
	out := credential.Outputs{}
	branches := []string{}
	if org != nil {
		for _, id := range org.IDs("branches") {
			branches = append(branches, string(id))
		}
		if id := org.ID("id"); !id.IsZero() {
			out["organization_id"] = string(id)
		}
		if role := org.Text("role"); role != "" {
			out["role"] = role
		}
	}
	out["branches"] = branches
	if muted := answer.Flag("muted"); muted != nil {
		out["muted"] = *muted
	}
	chosen := p.choose(branches)
	if chosen == "" {
		return out
	}
	out["branch_id"] = chosen
	for _, b := range org.Objects("branches_details") {
		if string(b.ID("id")) != chosen {
			continue
		}
		if name := b.Text("name"); name != "" {
			out["branch_name"] = name
		}
		if active := b.Flag("subscription_active"); active != nil {
			out["subscription_active"] = *active
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
