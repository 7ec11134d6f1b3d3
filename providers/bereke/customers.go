package bereke

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/zclconf/go-cty/cty"
)

// Verify judges what the login said, and only then makes the read that the
// configuration names, if any: the bank documents no call that would tell more.
func (p *provider) Verify(ctx context.Context, t credential.Token) (credential.Outputs, error) {
	out, err := p.judge(t)
	if err != nil {
		return nil, err
	}
	op := upstream.Op{Name: "check the token", Secrets: append(p.secrets(), p.username, t.Access, t.Refresh)}
	return out, p.read.Verify(ctx, p.env.Send, op, p.baseURL, t.Access, "Have the bank give this user access to it")
}

func (p *provider) judge(t credential.Token) (credential.Outputs, error) {
	customers, _ := t.Outputs["customers"].([]map[string]string)
	e := &failure.Error{Op: "check the answer to the login", URL: p.baseURL}
	demand := t.Outputs.String(demandOutput)
	if demand != passwordChange && p.ignoreChains {
		demand = ""
	}
	switch expires := upstream.Earlier(t.ExpiresAt, upstream.JWTExpiry(t.Access)); {
	case demand != "":
		v := demanded(demand)
		e.Class, e.Reason, e.Message, e.Advice = v.Class, v.Reason, v.Message, v.Advice
	case len(customers) == 0:
		e.Class, e.Reason = failure.Human, failure.NoAccess
		e.Message, e.Advice = "the user has access to no customer", "Have the bank, or the customer's administrator "+
			"there, give this user access to a customer."
	case t.Access.IsZero():
		e.Class, e.Message, e.Advice = failure.Credentials, "there is no token", "The next apply logs in."
	case !expires.IsZero() && !p.env.Now().Before(expires):
		e.Class = failure.Credentials
		e.Message = "the token expired at " + expires.UTC().Format(time.RFC3339)
		e.Advice = "The next apply logs in. If the token is new, this machine's clock is wrong."
	default:
		return p.choose(customers, e, []credential.Secret{t.Access, t.Refresh})
	}
	return nil, e
}

// choose returns the configured customer, or the only one. It fills in e and
// returns it where the configured one is not exactly one.
func (p *provider) choose(
	customers []map[string]string, e *failure.Error, tokens []credential.Secret,
) (credential.Outputs, error) {
	matching := customers
	switch {
	case p.customerID != "":
		matching = having(customers, "id", p.customerID)
		e.Attribute = "customer_id"
	case p.customerName != "":
		matching = having(customers, "name", p.customerName)
		e.Attribute = "customer_name"
	}
	ids, names := distinct(matching, "id"), distinct(matching, "name")
	switch {
	case len(ids) == 1 && len(names) == 1:
		return credential.Outputs{"customer_id": ids[0], "customer_name": names[0]}, nil
	case len(ids) == 1:
		// No one of the names is better than the others.
		return credential.Outputs{"customer_id": ids[0]}, nil
	case e.Attribute == "":
		return credential.Outputs{}, nil
	case len(ids) == 0:
		e.Message = "the user has access to no customer with the configured " + e.Attribute
		e.Advice = "Set " + e.Attribute + " to one of " + p.listed(customers, tokens) + "."
	default:
		e.Message = "several customers have the configured customer_name"
		e.Advice = "Set customer_id instead, to one of " + p.listed(matching, tokens) + "."
	}
	e.Class = failure.Config
	return nil, e
}

// having returns the customers whose field has that value. Configured strings
// are in Unicode's normal form, whatever the bank's are in.
func having(customers []map[string]string, field, value string) []map[string]string {
	var list []map[string]string
	for _, c := range customers {
		if cty.NormalizeString(c[field]) == cty.NormalizeString(value) {
			list = append(list, c)
		}
	}
	return list
}

// distinct returns the different values of a field, in order. The bank may
// list a customer more than once.
func distinct(customers []map[string]string, field string) []string {
	var list []string
	for _, c := range customers {
		if !slices.Contains(list, c[field]) {
			list = append(list, c[field])
		}
	}
	return list
}

// listed writes customers for a sentence: a few, then how many more. Names are
// quoted, so that tabs and spaces at their ends show.
func (p *provider) listed(customers []map[string]string, tokens []credential.Secret) string {
	const most = 8
	var texts []string
	for _, c := range customers {
		text := c["id"] + " " + p.shownName(c["name"], tokens)
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if more := len(texts) - most; more > 0 {
		return strings.Join(texts[:most], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(texts, ", ")
}

// shownName is a customer's name fit for a message. One that merely shares a
// piece with the user name is shown: a sole trader's user is called as he is,
// and a list without names would help nobody.
func (p *provider) shownName(name string, tokens []credential.Secret) string {
	const shortest = 6
	secrets := append(p.secrets(), tokens...)
	user := p.username.Reveal()
	if len(user) >= shortest && strings.Contains(strings.ToLower(name), strings.ToLower(user)) {
		secrets = append(secrets, p.username)
	}
	return upstream.Clean(strconv.Quote(name), secrets...)
}
