package sagi

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

var (
	_ providers.Refresher = (*provider)(nil)
	_ providers.Verifier  = (*provider)(nil)
	_ providers.Inspector = (*provider)(nil)
)

const (
	// lifetime is that of a token whose answer and claims name none.
	lifetime = 30 * 24 * time.Hour
	// refreshable is for how long refreshing works. The document does not say
	// since when; the login is the earliest it can mean.
	refreshable = 365 * 24 * time.Hour
)

type provider struct {
	env        providers.Env
	phone      credential.Secret
	password   credential.Secret
	licenseKey credential.Secret
	branchID   string
	baseURL    string
	envelope   string
}

func newProvider(v schema.Values, env providers.Env) (providers.Provider, error) {
	return &provider{
		env: env, phone: v.Secret("phone"), password: v.Secret("password"), licenseKey: v.Secret("license_key"),
		branchID: v.String("branch_id"), baseURL: v.String("base_url"), envelope: v.String("envelope"),
	}, nil
}

// loginRequest is the body of a login.
type loginRequest struct {
	Phone      upstream.Sent `json:"phone"`
	Password   upstream.Sent `json:"password"`
	LicenseKey upstream.Sent `json:"license_key,omitzero"`
}

// Login sends the phone and the password, once.
//
// What it finds wrong with the branches it leaves to Verify: the token has
// been issued by then, and an error here would lose it.
func (p *provider) Login(ctx context.Context) (credential.Token, error) {
	op := p.op(failure.LogIn, credential.Secret{})
	op.Once, op.Again = true, p.again(loginRefusals)
	issuedAt := p.env.Now()
	r, err := p.send(ctx, upstream.Request{
		Op:     op,
		Method: http.MethodPost,
		URL:    upstream.URL(p.baseURL, "/api/v1/auth/business"),
		JSON: loginRequest{
			Phone: upstream.Sent{Secret: p.phone}, Password: upstream.Sent{Secret: p.password},
			LicenseKey: upstream.Sent{Secret: p.licenseKey},
		},
	})
	if err != nil {
		return credential.Token{}, err
	}
	if !upstream.Success(r.status) {
		return credential.Token{}, r.refused(loginRefusals)
	}
	t, answer, err := r.readToken(issuedAt)
	if err != nil {
		return credential.Token{}, err
	}
	t.RefreshableUntil = issuedAt.Add(refreshable)
	t.Outputs = p.outputs(answer)
	t.Warnings = r.Warnings()
	return t, nil
}

// Refresh trades a token, alive or expired, for a new one.
func (p *provider) Refresh(ctx context.Context, old credential.Token) (credential.Token, error) {
	op := p.op("refresh the token", old.Access)
	op.Once, op.Again = true, p.again(refreshRefusals)
	issuedAt := p.env.Now()
	r, err := p.send(ctx, upstream.Request{
		Op:     op,
		Method: http.MethodPost,
		URL:    upstream.URL(p.baseURL, "/api/v1/auth/refresh_token"),
		Bearer: old.Access,
	})
	if err != nil {
		return credential.Token{}, err
	}
	if !upstream.Success(r.status) {
		return credential.Token{}, r.refused(refreshRefusals)
	}
	t, _, err := r.readToken(issuedAt)
	if err != nil {
		return credential.Token{}, err
	}
	// The answer repeats none of what the login said, and a refresh does not
	// restart the 365 days.
	t.RefreshableUntil = old.RefreshableUntil
	t.Outputs = maps.Clone(old.Outputs)
	t.Warnings = r.Warnings()
	return t, nil
}

// Verify looks up the token's branch, which also gives its group.
func (p *provider) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	op := p.op("look up the branch", t.Access)
	branchID := t.Outputs.String("branch_id")
	if err := p.checkAccess(t.Outputs, op); err != nil {
		return nil, err
	}
	r, err := p.send(ctx, upstream.Request{
		Op: op, URL: upstream.URL(p.baseURL, "/api/v1/branches/"+branchID), Bearer: t.Access,
	})
	if err != nil {
		return nil, err
	}
	if !upstream.Success(r.status) {
		return nil, r.refused(lookupRefusals(branchID))
	}
	data, err := r.data()
	if err != nil {
		return nil, err
	}
	id, group := data.ID("id"), data.ID("group_id")
	switch {
	case id.IsZero():
		return nil, r.Missing("id")
	case string(id) != branchID:
		return nil, r.Fail(failure.Server, "the answer is about a branch other than "+
			branchID, "Report this to the upstream.")
	case group.IsZero():
		return nil, r.Missing("group_id")
	}
	out := credential.Outputs{"branch_id": branchID, "group_id": string(group)}
	if name := data.Text("name"); name != "" {
		out["branch_name"] = name
	}
	return out, nil
}

// checkAccess finds, with no request, a branch that the login did not list.
func (p *provider) checkAccess(o credential.Outputs, op upstream.Op) error {
	e := &failure.Error{Op: op.Name, URL: p.baseURL, Class: failure.Human, Reason: failure.NoAccess}
	branches, _ := o["branches"].([]string)
	branchID := o.String("branch_id")
	switch {
	case len(branches) == 0:
		e.Message = "the account has access to no branch"
		e.Advice = "Have the organization's administrator at Sagi give this user a branch."
	case slices.Contains(branches, branchID):
		return nil
	case p.branchID != "" && branchID == p.branchID:
		e.Class, e.Reason, e.Attribute = failure.Config, "", "branch_id"
		e.Message = "the account has no access to branch " + branchID
		e.Advice = "Set branch_id to one of " + listed(branches) + ", or have the organization's administrator at " +
			"Sagi give access to it."
	default:
		e.Message = "the account no longer has access to branch " + branchID + ", which was chosen at the first login"
		e.Advice = "Have access to it restored at Sagi, or set branch_id to one of " +
			listed(branches) + "."
	}
	return e
}

// Inspect warns of what the last login said.
func (p *provider) Inspect(_ time.Time, seen providers.Seen) []providers.Finding {
	var found []providers.Finding
	if muted, _ := seen.Outputs["muted"].(bool); muted {
		found = append(found, providers.Finding{
			Summary: "The account is muted",
			Detail:  "Sagi reports that the account is muted: its calls may have no effect, although it still gets tokens. Ask Sagi why.",
		})
	}
	if active, said := seen.Outputs["subscription_active"].(bool); said && !active {
		found = append(found, providers.Finding{
			Summary: "The subscription of the branch is not active",
			Detail: "Sagi reports this of branch " + seen.Outputs.String("branch_id") + ". Renew the subscription, " +
				"or set branch_id to another branch.",
			Attribute: "branch_id",
		})
	}
	return found
}

func (p *provider) op(name string, token credential.Secret) upstream.Op {
	return upstream.Op{Name: name, Secrets: []credential.Secret{p.phone, p.password, p.licenseKey, token}}
}

func (p *provider) send(ctx context.Context, r upstream.Request) (*response, error) {
	a, err := p.env.Send(ctx, r)
	if err != nil {
		return nil, err
	}
	return p.open(a), nil
}

// again finds the answers after which the document has a request sent again.
func (p *provider) again(table []upstream.Refusal) func(*upstream.Answer) bool {
	return func(a *upstream.Answer) bool { return p.open(a).judge().TryAgain(table) }
}

// listed writes identifiers for a sentence: a few, then how many more.
func listed(ids []string) string {
	const most = 5
	if len(ids) > most {
		return strings.Join(ids[:most], ", ") + ", …"
	}
	return strings.Join(ids, ", ")
}
