package described

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/redact"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// opNames complete "cannot …".
var opNames = map[string]string{
	OpLogin:         failure.LogIn,
	OpRefresh:       "refresh the token",
	OpVerify:        "check the token",
	OpRevoke:        "revoke the token",
	OpSendCode:      "request a code",
	OpLoginWithCode: "log in with the code",
}

// operation is one of an account's operations under way.
type operation struct {
	*core
	kind  string
	scope *scope
	// harmless says that a request changes nothing whatever its method is.
	harmless bool
	// secrets are those of the account, of the token and of what was sent.
	secrets []credential.Secret
	answers []heard
	// last is the answer to the request before; nil for none.
	last *upstream.Answer
}

// begin begins an operation, about a token where there is one.
func (p *core) begin(kind string, about ...credential.Token) *operation {
	o := &operation{core: p, kind: kind, scope: p.newScope(), secrets: slices.Clone(p.secrets)}
	for _, t := range about {
		o.scope.set("token", p.tokenValue(t))
		o.keepSecret(t.Access, t.Refresh)
		for _, v := range t.Outputs {
			if s, ok := v.(credential.Secret); ok {
				o.keepSecret(s)
			}
		}
	}
	return o
}

// keepSecret has no message repeat those.
func (o *operation) keepSecret(secrets ...credential.Secret) {
	o.secrets = append(o.secrets, secrets...)
}

// reply is the answer that an operation ends with.
type reply struct {
	*upstream.Answer
	request *Request
	// askedAt is from before the request.
	askedAt time.Time
	// unread is why the body is not in its format; nil if it is.
	unread error
}

// send sends the requests one after the other, until one is refused. The scope has the
// last answer as its response.
func (o *operation) send(ctx context.Context, requests []Request) (*reply, error) {
	o.scope.expect(requests)
	var last *reply
	for i := range requests {
		q := &requests[i]
		wanted, err := o.wants(q)
		if err != nil {
			return nil, err
		}
		if !wanted {
			continue
		}
		r, err := o.sendOne(ctx, q)
		if err != nil {
			return nil, err
		}
		last = r
	}
	if last == nil {
		return nil, o.mistake("", fmt.Sprintf("no request of %s (%s) is to be sent", o.title(), o.Place))
	}
	return last, nil
}

// wants reports whether a request is to be sent; nil is none.
func (o *operation) wants(q *Request) (bool, error) {
	if q == nil || q.When == nil {
		return q != nil, nil
	}
	wanted, err := o.scope.holds(q.When)
	if err != nil {
		return false, o.unsent(q, "", err.Error())
	}
	return wanted, nil
}

func (o *operation) sendOne(ctx context.Context, q *Request) (*reply, error) {
	m := &maker{s: o.scope, q: q, known: o.secrets}
	made := m.make(o.baseURL)
	if m.err != nil {
		return nil, o.notMade(q, m.err)
	}
	o.keepSecret(m.secrets...)
	made.Op = o.op(q)
	askedAt := o.env.Now()
	a, err := o.env.Send(withLabel(ctx, q.Label), made)
	if err != nil {
		return nil, err
	}
	r := &reply{Answer: a, request: q, askedAt: askedAt}
	h := hear(q, a)
	var response cty.Value
	response, r.unread = h.value()
	o.answers = append(o.answers, h)
	o.scope.hear(q.Label, response)
	o.last = a
	if err := o.judge(q, a, o.scope); err != nil {
		return nil, err
	}
	return r, nil
}

// op says what a request is for.
func (o *operation) op(q *Request) upstream.Op {
	op := upstream.Op{
		Name: o.name(q), Static: o.Static != nil && o.kind == OpVerify, Secrets: slices.Clone(o.secrets),
		Endpoint: q.URLAttribute, TakesXML: q.Response.Format == FormatText || q.Response.Format == FormatAuto,
	}
	op.Once = !isSafe(q.Method) && !o.harmless
	switch o.kind {
	case OpLogin:
		op.Once = op.Once || q.Counts
	case OpRefresh, OpLoginWithCode:
		op.Once = true
	case OpSendCode:
		// Each such request is a message to a person, who waits for it.
		op.Once, op.Attended = true, true
	}
	if len(o.Errors) > 0 {
		op.Described = func(a *upstream.Answer) bool { return o.expects(q, a) != nil }
		op.Again = func(a *upstream.Answer) bool {
			b := o.expects(q, a)
			return b != nil && b.Class == failure.Retryable
		}
	}
	return op
}

// expects returns the error block that says what an answer means; nil for none. A page is
// nobody's documented answer.
func (o *operation) expects(q *Request, a *upstream.Answer) *ErrorBlock {
	if a.IsPage() {
		return nil
	}
	response, _ := hear(q, a).value()
	s := o.scope.hearing(q.Label, response)
	if o.asksForCode(q, s) {
		return nil
	}
	return o.blockFor(q, a, s)
}

// name completes "cannot …" for one request. Only what may count as an attempt to log in
// is called a login.
func (o *operation) name(q *Request) string {
	if o.kind != OpLogin || q.Counts {
		return opNames[o.kind]
	}
	if q.Label == "" {
		return "make a request of the login"
	}
	return fmt.Sprintf("make the request %q of the login", q.Label)
}

// notMade is the error for a request that cannot be made. Where it is made of an earlier
// answer, that answer is not what the description says.
func (o *operation) notMade(q *Request, why *requestError) error {
	if why.expr != nil && o.last != nil {
		if _, uses := o.references(why.expr); uses.root("response", "responses") {
			return o.last.Tokenless(o.clean(o.last, why.message), o.adviceToDescribe())
		}
	}
	return o.unsent(q, why.attribute, why.message)
}

// unsent is the error for a request that cannot be made as configured.
func (o *operation) unsent(q *Request, attribute, why string) *failure.Error {
	what := "the request"
	if q.Label != "" {
		what = fmt.Sprintf("the request %q", q.Label)
	}
	return o.mistake(attribute, fmt.Sprintf("%s (%s) was not sent: %s", what, q.Place, why))
}

// mistake is an error found before anything is sent.
func (o *operation) mistake(attribute, message string) *failure.Error {
	advice := fmt.Sprintf("Correct %s (%s), or the account's attributes.", o.title(), o.Place)
	if attribute != "" {
		advice = "Correct " + attribute + "."
	}
	// It is made of our own words and of names. Should a secret be among them all the
	// same, a word too few is better.
	if redact.ContainsSecret(message, o.secrets...) {
		message = "the reason repeats a secret, so it is not shown"
	}
	return &failure.Error{
		Class: failure.Config, Op: opNames[o.kind], URL: o.baseURL, Attribute: attribute,
		Message: message, Advice: advice,
	}
}

// broken returns the error of the first rule that does not hold.
func (o *operation) broken(rules []Rule) error {
	for _, rule := range rules {
		ok, err := o.scope.holds(rule.Condition)
		if err != nil {
			return o.mistake(rule.Attribute, "a condition cannot be evaluated: "+err.Error())
		}
		if ok {
			continue
		}
		e := o.mistake(rule.Attribute, o.scope.message(rule.Message, "the condition at "+rule.Place+" does not hold"))
		if rule.Class != "" {
			e.Class = rule.Class
		}
		e.Reason = o.reason(e.Class, rule.Reason)
		if e.Class != failure.Config {
			e.Advice = adviceFor(e.Class, rule.Attribute)
		}
		if rule.Advice != "" {
			e.Advice = rule.Advice
		}
		return e
	}
	return nil
}

// message evaluates a text for people.
func (s *scope) message(e schema.Expr, otherwise string) string {
	if e == nil {
		return otherwise
	}
	v, err := s.eval(e)
	if err != nil {
		return otherwise
	}
	v = plain(v)
	if v.IsNull() || !v.IsWhollyKnown() || isList(v) || isFields(v) {
		return otherwise
	}
	text, err := textOf(v)
	if err != nil || text == "" {
		return otherwise
	}
	return text
}
