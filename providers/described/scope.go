package described

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/providers/clientcertificate"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// scope has the values that the expressions of one operation see.
type scope struct {
	c     *compiled
	roots map[string]cty.Value
	// responses are the answers so far, by the labels of their requests.
	responses map[string]cty.Value
	// once are the locals that no answer changes, and perAnswer the others.
	once, perAnswer map[string]localValue
	// leftOut is what was left out of the values so far.
	leftOut []leftOut
}

// leftOut is what was left out, and the output that it was for; "" for none.
type leftOut struct {
	schema.LeftOut
	output string
}

func (l leftOut) String() string {
	if l.output == "" {
		return l.LeftOut.String()
	}
	return fmt.Sprintf("Of the output %q, %s", l.output, l.LeftOut)
}

type localValue struct {
	value cty.Value
	err   error
}

// newScope returns a scope in which nothing has been answered.
func (c *compiled) newScope(self cty.Value) *scope {
	null := cty.NullVal(cty.DynamicPseudoType)
	return &scope{
		c: c, once: map[string]localValue{}, perAnswer: map[string]localValue{}, responses: map[string]cty.Value{},
		roots: map[string]cty.Value{
			"self": self, "previous": c.previous(nil), "token": null, "response": null, "challenge": null,
			"responses": cty.EmptyObjectVal,
		},
	}
}

// expect has requests that have not been answered count as null.
func (s *scope) expect(requests []Request) {
	for i := range requests {
		if label := requests[i].Label; label != "" {
			s.responses[label] = cty.NullVal(cty.DynamicPseudoType)
		}
	}
	s.setResponses()
}

// set gives a root another value.
func (s *scope) set(root string, v cty.Value) {
	s.roots[root] = v
	s.perAnswer = map[string]localValue{}
}

func (s *scope) setResponses() { s.set("responses", cty.ObjectVal(s.responses)) }

// hear makes an answer the response.
func (s *scope) hear(label string, response cty.Value) {
	s.set("response", response)
	if label != "" {
		s.responses[label] = response
		s.setResponses()
	}
}

// hearing returns the scope with another response, without an effect on this one.
func (s *scope) hearing(label string, response cty.Value) *scope {
	other := &scope{c: s.c, roots: maps.Clone(s.roots), responses: maps.Clone(s.responses), once: s.once}
	other.hear(label, response)
	return other
}

// eval evaluates an expression; the value may have marks.
func (s *scope) eval(e schema.Expr) (cty.Value, error) {
	needed, _ := s.c.references(e)
	locals, failed := s.locals(needed)
	vars := maps.Clone(s.roots)
	vars["local"] = cty.ObjectVal(locals)
	v, err := e.Eval(vars)
	switch {
	case err == nil:
		s.note(v)
		return v, nil
	case failed != nil:
		// The expression's own error would only say that the local is not there.
		return cty.NilVal, failed
	}
	return cty.NilVal, placed(e, err)
}

// note keeps what was left out of a value, each once.
func (s *scope) note(v cty.Value) {
	for _, l := range schema.LeftOutOf(v) {
		if !slices.ContainsFunc(s.leftOut, func(known leftOut) bool { return known.LeftOut == l }) {
			s.leftOut = append(s.leftOut, leftOut{LeftOut: l})
		}
	}
}

// evalFor is eval for an output, which is named with what is left out of it.
func (s *scope) evalFor(output string, e schema.Expr) (cty.Value, error) {
	before := len(s.leftOut)
	v, err := s.eval(e)
	for i := before; i < len(s.leftOut); i++ {
		s.leftOut[i].output = output
	}
	return v, err
}

// placed returns an error that begins with the place.
func placed(e schema.Expr, err error) error {
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), e.Place()), ": ")
	return fmt.Errorf("%s: %s", e.Place(), text)
}

// withoutPlace is the text of an error of eval where its place has been named.
func withoutPlace(e schema.Expr, err error) string {
	return strings.TrimPrefix(err.Error(), e.Place()+": ")
}

// locals evaluates locals. One that fails is left out, so that try can do without it,
// and the first error is returned besides.
func (s *scope) locals(needed []int) (map[string]cty.Value, error) {
	values := make(map[string]cty.Value, len(needed))
	var failed error
	for _, i := range needed {
		l := &s.c.locals[i]
		known := s.once
		if l.uses.ofAnswers() {
			known = s.perAnswer
		}
		v, ok := known[l.Name]
		if !ok {
			v = s.local(l, values)
			known[l.Name] = v
		}
		if v.err == nil {
			values[l.Name] = v.value
		} else if failed == nil {
			failed = v.err
		}
	}
	return values, failed
}

func (s *scope) local(l *local, others map[string]cty.Value) localValue {
	vars := maps.Clone(s.roots)
	vars["local"] = cty.ObjectVal(others)
	v, err := l.Expr.Eval(vars)
	if err != nil {
		return localValue{err: fmt.Errorf("local.%s: %w", l.Name, placed(l.Expr, err))}
	}
	return localValue{value: v}
}

var errNoCondition = errors.New("the condition is neither true nor false")

// holds evaluates a condition.
func (s *scope) holds(e schema.Expr) (bool, error) {
	v, err := s.eval(e)
	if err != nil {
		return false, err
	}
	b, err := convert.Convert(plain(v), cty.Bool)
	if err != nil || b.IsNull() || !b.IsKnown() {
		return false, placed(e, errNoCondition)
	}
	return b.True(), nil
}

// selfValue is what self means for an account. dates are those of its certificate; nil
// where it has none, or where it has not been read.
func (c *compiled) selfValue(v schema.Values, dates *clientcertificate.Dates) cty.Value {
	fields := map[string]cty.Value{}
	for i, a := range v.Block().Attributes {
		fields[a.Name] = v.RawAt(i)
	}
	if c.takesCertificate() {
		fields[Certificate] = certificateValue(v, dates)
	}
	return cty.ObjectVal(fields)
}

// previous is what the outputs of a token are to expressions: all that are declared,
// null where nothing was said.
func (c *compiled) previous(outputs credential.Outputs) cty.Value {
	if len(outputs) == 0 {
		return c.nothingBefore
	}
	return cty.ObjectVal(c.outputValues(outputs))
}

// tokenValue is what token means for a token.
func (c *compiled) tokenValue(t credential.Token) cty.Value {
	fields := c.outputValues(t.Outputs)
	fields["access_token"], fields["refresh_token"] = secretValue(t.Access), secretValue(t.Refresh)
	fields["expires_at"] = cty.NullVal(cty.String)
	if !t.ExpiresAt.IsZero() {
		fields["expires_at"] = cty.StringVal(t.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return cty.ObjectVal(fields)
}

func secretValue(s credential.Secret) cty.Value {
	if s.IsZero() {
		return cty.NullVal(cty.String)
	}
	return cty.StringVal(s.Reveal())
}
