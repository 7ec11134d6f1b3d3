package described

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/internal/redact"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Spec returns what the rest of the program needs to know of the upstream.
func (d *Definition) Spec() *providers.Spec {
	spec := &providers.Spec{
		Name: d.Type, Doc: d.Doc, Source: d.Source,
		Attributes:   slices.Concat([]schema.Attribute{d.baseURL()}, d.Attributes),
		Blocks:       d.blocks(),
		Outputs:      d.specOutputs(),
		RotateBefore: cmp.Or(d.RotateBefore, DefaultRotateBefore),
		Limit:        d.Limit,

		UnknownRefusals: d.UnknownRefusals,
		Formerly:        d.Formerly,
		Described:       true, DescriptionDigest: d.Digest, DescriptionPlace: d.Place,
		Static: d.Static != nil,
	}
	c := compile(d, spec.Block())
	spec.Check, spec.New = c.check, c.newProvider
	if d.takesCertificate() {
		spec.ClientCertificate = clientcertificate.Of
	}
	spec.Destinations, spec.Hosts = c.destinations(), c.hosts
	spec.OwnHeaders, spec.Errors = c.ownHeaders(), d.errorDocs()
	if d.Revoke != nil {
		spec.RevokeOn = d.revokeOn
		uses := c.revocationUses()
		spec.RevokeUses = func(attribute string) bool { return uses.part("self." + attribute) }
	}
	if d.Static != nil {
		spec.RotateBefore = ""
		return spec
	}
	spec.Lifetime, spec.LoginShape = c.lifetime, d.LoginShape
	if d.Login.RevokesPrevious {
		spec.LoginRevokes = func(schema.Values) bool { return true }
	}
	if r := d.Refresh; r != nil {
		spec.RefreshSpends = r.SingleUse
		spec.RefreshRevokes = func(schema.Values) bool { return r.RevokesPrevious }
		spec.ReuseGrace = func(schema.Values) time.Duration { return r.ReuseGrace }
	}
	return spec
}

// revokeOn are the occasions that the account names, or else the description.
func (d *Definition) revokeOn(v schema.Values) []string {
	if v.Has("revoke_on") {
		return v.Strings("revoke_on")
	}
	return d.RevokeOn
}

// errorDocs are the error blocks for the reference.
func (d *Definition) errorDocs() (list []providers.ErrorDoc) {
	for _, e := range d.Errors {
		doc := e.Summary
		if doc != "" && e.Advice != "" {
			doc = diag.Sentence(doc) + " "
		}
		list = append(list, providers.ErrorDoc{
			Name: e.Name, Operations: e.On, Class: e.Class, Reason: e.Reason, Doc: doc + e.Advice,
		})
	}
	return list
}

func (d *Definition) baseURL() schema.Attribute {
	a := providers.BaseURL(d.BaseURL, "Address of the service.")
	a.Required = a.Required && !d.BaseURLUnused
	return a
}

// specOutputs are the outputs of its tokens: those that all tokens have, and what the
// definition declares.
func (d *Definition) specOutputs() []schema.Output {
	list := []schema.Output{{Name: "access_token", Type: cty.String, Sensitive: true, Doc: "The token."}}
	if d.hasRefreshToken() {
		list = append(list, schema.Output{
			Name: "refresh_token", Type: cty.String, Sensitive: true, Withheld: true,
			Doc: "The refresh token. credsync delivers it only where a `data` argument asks for it.",
		})
	}
	switch {
	case d.Static != nil:
		list = append(list, schema.Output{
			Name: expiryOutput, Type: cty.String,
			Doc: "When the token expires, as RFC 3339 in UTC, if `expires_at` or the verification says so.",
		})
	case d.Login == nil || !d.Login.NeverExpires:
		list = append(list, schema.Output{
			Name: "expires_at", Type: cty.String, Doc: "When the token expires, as RFC 3339 in UTC.",
		})
	}
	return slices.Concat(list, d.Outputs)
}

func (d *Definition) hasRefreshToken() bool {
	return d.Login != nil && d.Login.RefreshToken != nil || d.Refresh != nil && d.Refresh.RefreshToken != nil ||
		d.Second != nil && d.Second.LoginWithCode.RefreshToken != nil
}

// check judges the account's attributes, as far as they are known.
func (c *compiled) check(v schema.Values) error {
	for _, group := range c.ExactlyOneOf {
		set, unknown := c.given(v, group)
		switch {
		case len(set) > 1:
			return fmt.Errorf("%s are set; keep one of them", enumerate(written(set), "and"))
		case len(set) == 0 && !unknown:
			return fmt.Errorf("set one of %s", enumerate(written(group), "and"))
		}
	}
	if err := clientcertificate.CheckBaseURL(v); err != nil {
		return err
	}
	if len(c.Validations)+len(c.Checks) == 0 {
		return nil
	}
	s := c.newScope(c.selfValue(v, nil))
	for _, rule := range slices.Concat(c.Validations, c.Checks) {
		if err := c.validate(s, rule); err != nil {
			if redact.ContainsSecret(err.Error(), secretsOf(v)...) {
				return errors.New("the condition at " + rule.Place + " does not hold")
			}
			return err
		}
	}
	return nil
}

// given returns the attributes of a group that have a value. One that is not known may
// turn out to have none.
func (c *compiled) given(v schema.Values, group []string) (set []string, unknown bool) {
	for _, name := range group {
		switch {
		case name == Certificate && c.takesCertificate():
			if len(v.Nested(name)) > 0 {
				set = append(set, name)
			}
		case !v.Known(name):
			unknown = true
		case v.IsSet(name):
			set = append(set, name)
		}
	}
	return set, unknown
}

// written are the members of a group as an account has them.
func written(group []string) []string {
	list := slices.Clone(group)
	if i := slices.Index(list, Certificate); i >= 0 {
		list[i] = "a " + Certificate + " block"
	}
	return list
}

func (c *compiled) validate(s *scope, rule Rule) error {
	result, err := s.eval(rule.Condition)
	if err != nil {
		return fmt.Errorf("the condition cannot be evaluated: %w", err)
	}
	holds, err := convert.Convert(plain(result), cty.Bool)
	switch {
	case err != nil:
		return placed(rule.Condition, errNoCondition)
	case !holds.IsKnown():
		return nil
	case !holds.IsNull() && holds.True():
		return nil
	}
	message := s.message(rule.Message, "the condition at "+rule.Place+" does not hold")
	if rule.Attribute != "" && !strings.Contains(message, rule.Attribute) {
		message = rule.Attribute + ": " + message
	}
	return errors.New(message)
}

// lifetime is how long a token lives by the definition, as far as the attributes tell.
func (c *compiled) lifetime(v schema.Values) time.Duration {
	e := c.Definition.Login.Lifetime
	if e == nil || c.fixedLifetime > 0 {
		return c.fixedLifetime
	}
	d, err := c.newScope(c.selfValue(v, nil)).duration(e)
	if err != nil {
		return 0
	}
	return d
}

// ownHeaders are the headers by which requests say who logs in or whose token it is:
// those whose values are not fixed in the definition.
func (c *compiled) ownHeaders() []string {
	found := map[string]bool{}
	for _, q := range c.requests() {
		if q.Bearer != nil || q.Username != nil {
			found["Authorization"] = true
		}
		if q.Header == nil {
			continue
		}
		for _, name := range c.computedFields(q.Header) {
			found[textproto.CanonicalMIMEHeaderKey(name)] = true
		}
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// computedFields are the fields of an object whose values come from somewhere.
func (c *compiled) computedFields(e schema.Expr) []string {
	unknown := cty.DynamicVal
	v, err := e.Eval(map[string]cty.Value{
		"self": unknown, "local": unknown, "previous": unknown, "token": unknown, "response": unknown,
		"responses": unknown, "challenge": unknown,
	})
	if err != nil {
		return nil
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || !isFields(v) {
		return nil
	}
	var names []string
	for name, value := range v.AsValueMap() {
		if value, _ := value.Unmark(); !value.IsWhollyKnown() {
			names = append(names, name)
		}
	}
	return names
}

// revocationUses are the names that it takes to revoke a token and to judge the answer.
func (c *compiled) revocationUses() references {
	all := references{}
	if c.Definition.Revoke == nil {
		return all
	}
	var exprs []schema.Expr
	for i := range c.Definition.Revoke.Requests {
		q := &c.Definition.Revoke.Requests[i]
		exprs = append(exprs, q.Expressions()...)
		exprs = append(exprs, q.When, q.Response.Success)
	}
	for i := range c.Errors {
		if b := &c.Errors[i]; len(b.On) == 0 || slices.Contains(b.On, OpRevoke) {
			exprs = append(exprs, b.When, b.Message, b.RetryAfter)
		}
	}
	for _, e := range exprs {
		if e == nil {
			continue
		}
		_, uses := c.references(e)
		maps.Copy(all, uses)
	}
	return all
}

// requests are all that the definition has.
func (c *compiled) requests() []Request {
	var list []Request
	for _, t := range []*TokenOperation{c.Definition.Login, c.Definition.Refresh} {
		if t != nil {
			list = append(list, t.Requests...)
		}
	}
	if c.Second != nil {
		list = slices.Concat(list, c.Second.SendCode.Requests, c.Second.LoginWithCode.Requests)
	}
	if v := c.Definition.Verify; v != nil && v.Request != nil {
		list = append(list, *v.Request)
	}
	if c.Definition.Revoke != nil {
		list = append(list, c.Definition.Revoke.Requests...)
	}
	return list
}

// enumerate writes names for a sentence.
func enumerate(names []string, word string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}
