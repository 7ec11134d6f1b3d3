package described

import (
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/upstream"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// judge returns nil for an answer of success. A page is nobody's documented answer; then
// come the demand for a code, the error blocks in their order, what the description calls
// success, and what a status means where nothing is said.
func (o *operation) judge(q *Request, a *upstream.Answer, s *scope) error {
	if a.IsPage() {
		return a.Refused("", "").As(upstream.Undocumented)
	}
	if o.asksForCode(q, s) {
		return o.needsCode(a)
	}
	if b := o.blockFor(q, a, s); b != nil {
		return o.described(b, a, s)
	}
	if q.Response.Success == nil {
		if upstream.Success(a.Status) {
			return nil
		}
		return o.undescribed(q, a, nil)
	}
	ok, why := s.holds(q.Response.Success)
	if ok {
		return nil
	}
	return o.undescribed(q, a, why)
}

// blockFor returns the error block that an answer matches; nil for none. One whose
// condition cannot be evaluated does not match, nor does one about credentials that were
// not sent.
func (o *operation) blockFor(q *Request, a *upstream.Answer, s *scope) *ErrorBlock {
	sentNone := o.kind == OpLogin && !q.Counts
	for i := range o.Errors {
		b := &o.Errors[i]
		if !b.isFor(o.kind) || sentNone && b.Class == failure.Credentials || a.IsPassing() && !b.isForPassing() {
			continue
		}
		if ok, err := s.holds(b.When); err == nil && ok {
			return b
		}
	}
	return nil
}

// isFor reports whether the block is tried for an operation.
func (b *ErrorBlock) isFor(kind string) bool { return len(b.On) == 0 || slices.Contains(b.On, kind) }

// isForPassing reports whether the block can speak of an answer whose status says that the
// upstream is busy or away. A condition that is too wide, such as any status but 200, would
// otherwise make a rejected password of an outage.
func (b *ErrorBlock) isForPassing() bool {
	return b.Class == failure.Human || b.Class == failure.Retryable
}

// described returns the error that a block makes of an answer.
func (o *operation) described(b *ErrorBlock, a *upstream.Answer, s *scope) error {
	if o.OnMatch != nil {
		o.OnMatch(b.Name)
	}
	message := b.Summary
	if message == "" {
		message = fmt.Sprintf("the answer matches error %q (%s)", b.Name, b.Place)
	}
	if said := o.clean(a, s.message(b.Message, "")); said != "" {
		message += ": " + said
	}
	advice := b.Advice
	if advice == "" {
		advice = adviceFor(b.Class, b.Attribute)
	}
	refused := a.Refused("", "")
	var e *failure.Error
	if b.Class == failure.Server {
		if upstream.Success(a.Status) {
			// A status of success that stands for nothing.
			refused.Code = 0
		}
		e = refused.Unclassified(message, advice)
	} else {
		e = refused.As(upstream.Verdict{
			Class: b.Class, Message: message, OwnWords: true, Advice: advice, Again: b.Class == failure.Retryable,
		})
	}
	if reason := o.reason(b.Class, b.Reason); reason != "" {
		e.Reason = reason
	}
	e.Attribute = b.Attribute
	switch {
	case b.RetryAfter != nil:
		e.RetryAfter = s.wait(b.RetryAfter)
	case b.Class == failure.Retryable:
		e.RetryAfter = a.RetryAfter()
	}
	return e
}

// clean makes the upstream's words fit to be shown, with what this answer handed out
// counted among the secrets.
func (o *operation) clean(a *upstream.Answer, said string) string {
	return upstream.Clean(a.Said(said), o.yielded()...)
}

// yielded are the tokens in the last answer, if it has any.
func (o *operation) yielded() []credential.Secret {
	var secrets []credential.Secret
	t := o.tokenOperation()
	if t == nil {
		return nil
	}
	for _, e := range []schema.Expr{t.AccessToken, t.RefreshToken} {
		if e == nil {
			continue
		}
		if v, err := o.scope.eval(e); err == nil && plain(v).Type() == cty.String && !plain(v).IsNull() {
			secrets = append(secrets, credential.NewSecret(plain(v).AsString()))
		}
	}
	return secrets
}

// tokenOperation is what the operation under way takes a token from; nil for none.
func (o *operation) tokenOperation() *TokenOperation {
	switch o.kind {
	case OpLogin:
		return o.Definition.Login
	case OpRefresh:
		return o.refresh
	case OpLoginWithCode:
		return o.withCode
	}
	return nil
}

// reason completes the reason of a class that has to have one.
func (o *operation) reason(c failure.Class, r failure.Reason) failure.Reason {
	isLogin := o.kind == OpLogin || o.kind == OpLoginWithCode || o.Static != nil
	switch {
	case r != "":
		return r
	case c == failure.Human:
		return failure.NoAccess
	case c == failure.Credentials && isLogin:
		return failure.CredentialsRejected
	}
	return ""
}

// longestWait bounds what is believed of a retry_after.
const longestWait = 24 * time.Hour

// wait evaluates a duration, or a number of seconds; 0 for what is neither.
func (s *scope) wait(e schema.Expr) time.Duration {
	v, err := s.eval(e)
	if err != nil {
		return 0
	}
	d, _ := durationOf(plain(v))
	return min(max(d, 0), longestWait)
}

var errNoDuration = errors.New("a duration such as \"15m\" is needed")

// durationOf reads a duration, or a number of seconds.
func durationOf(v cty.Value) (time.Duration, error) {
	switch {
	case !v.IsKnown() || v.IsNull():
		return 0, errNoDuration
	case v.Type() == cty.Number:
		seconds, _ := new(big.Float).Set(v.AsBigFloat()).Float64()
		if !(seconds >= 0 && seconds <= longestLife.Seconds()) {
			return 0, errNoDuration
		}
		return time.Duration(seconds * float64(time.Second)), nil
	case v.Type() != cty.String:
		return 0, errNoDuration
	case upstream.Digits(v.AsString()):
		n, err := cty.ParseNumberVal(v.AsString())
		if err != nil {
			return 0, errNoDuration
		}
		return durationOf(n)
	}
	return schema.ParseDuration(v.AsString())
}

// adviceFor says what to do where a description does not.
func adviceFor(c failure.Class, attribute string) string {
	switch {
	case c == failure.Credentials && attribute != "":
		return "Correct " + attribute + ". credsync does not try the same credentials again."
	case c == failure.Credentials:
		return "Correct the account's credentials. credsync does not try the same ones again."
	case c == failure.Config && attribute != "":
		return "Correct " + attribute + "."
	case c == failure.Config:
		return "Correct the account's attributes."
	case c == failure.Human:
		return "Resolve this at the upstream, then run credsync apply again."
	case c == failure.Retryable:
		return "This usually passes; the next run tries again."
	}
	return "Report this to the upstream."
}

// isMissing reports whether a status says that there is nothing at an address.
func isMissing(status int) bool {
	return status == http.StatusNotFound || status == http.StatusMethodNotAllowed
}
