package described

import (
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// compiled is a definition with what all of its accounts have in common worked out.
type compiled struct {
	*Definition
	spec   *schema.Block
	locals []local
	index  map[string]int
	// refresh and withCode are the definition's with what they leave to the login;
	// nil where there is none.
	refresh, withCode *TokenOperation
	// belowBaseURL says that a request is below base_url. addressed are those that have a URL
	// of their own which no answer has a part in.
	belowBaseURL bool
	addressed    []*Request
	// nothingBefore is what previous means before the first login.
	nothingBefore cty.Value
	// tokenAttribute is the attribute that a static token is in; "" where none is.
	tokenAttribute string
	// fixedLifetime is that of a token where no attribute has a say in it; 0 where one has.
	fixedLifetime time.Duration
}

// local is a named expression and what it takes to know its value.
type local struct {
	Local
	// needs are the places of the locals that it is made of, in their order.
	needs []int
	uses  references
}

// references are the names that an expression uses, also by way of locals.
type references map[string]bool

// root reports whether a name is used, as a whole or in part.
func (r references) root(names ...string) bool {
	for name := range r {
		first, _, _ := strings.Cut(name, ".")
		if slices.Contains(names, first) {
			return true
		}
	}
	return false
}

// part reports whether that step of a root may be used, as "token.refresh_token".
func (r references) part(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return r[name] || r[first]
}

// ofAnswers reports whether what the upstream has said is used.
func (r references) ofAnswers() bool {
	return r.root("response", "responses", "challenge", "token")
}

func compile(d *Definition, spec *schema.Block) *compiled {
	c := &compiled{Definition: d, spec: spec, index: map[string]int{}}
	for i, l := range d.Locals {
		needs, uses := c.references(l.Expr)
		c.locals = append(c.locals, local{Local: l, needs: needs, uses: uses})
		c.index[l.Name] = i
	}
	c.nothingBefore = cty.ObjectVal(c.outputValues(nil))
	if d.Login != nil && d.Login.Lifetime != nil && len(d.Login.Lifetime.References()) == 0 {
		c.fixedLifetime, _ = c.newScope(cty.EmptyObjectVal).duration(d.Login.Lifetime)
	}
	if d.Static != nil {
		c.tokenAttribute = c.attributeOf(d.Static)
	}
	if d.Refresh != nil {
		c.refresh = d.Refresh.completedBy(d.Login, false)
	}
	if d.Second != nil {
		c.withCode = d.Second.LoginWithCode.completedBy(d.Login, true)
	}
	for _, q := range c.requests() {
		switch {
		case q.URL == nil:
			c.belowBaseURL = true
		case !c.fromAnswers(q.URL):
			c.addressed = append(c.addressed, &q)
		}
	}
	return c
}

// completedBy returns the operation with what it leaves to the login: how long a token
// lives, and with whole all of what is taken from the answer.
func (o *TokenOperation) completedBy(login *TokenOperation, whole bool) *TokenOperation {
	done := *o
	if login == nil {
		return &done
	}
	or := func(mine *schema.Expr, its schema.Expr) {
		if *mine == nil {
			*mine = its
		}
	}
	or(&done.AccessToken, login.AccessToken)
	or(&done.Lifetime, login.Lifetime)
	if o.ExpiresIn == nil && o.ExpiresAt == nil && !o.NeverExpires {
		done.ExpiresIn, done.ExpiresAt, done.NeverExpires = login.ExpiresIn, login.ExpiresAt, login.NeverExpires
	}
	if whole {
		or(&done.RefreshToken, login.RefreshToken)
		or(&done.RefreshableFor, login.RefreshableFor)
		or(&done.RefreshExpiresIn, login.RefreshExpiresIn)
		if o.Outputs == nil {
			done.Outputs = login.Outputs
		}
	}
	return &done
}

// references returns the places of the locals that an expression needs, in their order,
// and all names that it uses besides.
func (c *compiled) references(e schema.Expr) ([]int, references) {
	needed, uses := map[int]bool{}, references{}
	for _, name := range e.References() {
		first, step, _ := strings.Cut(name, ".")
		if first != "local" {
			uses[name] = true
			continue
		}
		for i, l := range c.locals {
			if step != "" && l.Name != step {
				continue
			}
			needed[i] = true
			for _, n := range l.needs {
				needed[n] = true
			}
			for n := range l.uses {
				uses[n] = true
			}
		}
	}
	var order []int
	for i := range c.locals {
		if needed[i] {
			order = append(order, i)
		}
	}
	return order, uses
}

// attributeOf is the attribute that an expression is made of; "" where it is none, or
// several.
func (c *compiled) attributeOf(e schema.Expr) string {
	_, uses := c.references(e)
	if len(uses) != 1 {
		return ""
	}
	for name := range uses {
		if root, attribute, _ := strings.Cut(name, "."); root == "self" {
			return attribute
		}
	}
	return ""
}

// Expressions are those of a request that are evaluated to make it.
func (q *Request) Expressions() []schema.Expr {
	var list []schema.Expr
	for _, e := range []schema.Expr{
		q.Path, q.URL, q.PathParams, q.Query, q.Header, q.JSON, q.Form, q.Text, q.Bearer, q.Username, q.Password,
	} {
		if e != nil {
			list = append(list, e)
		}
	}
	return list
}

// uses are the names that a request is made of.
func (c *compiled) uses(q *Request) references {
	all := references{}
	for _, e := range q.Expressions() {
		_, uses := c.references(e)
		for name := range uses {
			all[name] = true
		}
	}
	return all
}

// output returns the declaration of an output; ok is false for none.
func (c *compiled) output(name string) (o schema.Output, ok bool) {
	i := slices.IndexFunc(c.Outputs, func(o schema.Output) bool { return o.Name == name })
	if i < 0 {
		return schema.Output{Name: name, Type: cty.String}, false
	}
	return c.Outputs[i], true
}
