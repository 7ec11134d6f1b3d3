package config

import (
	"fmt"
	"slices"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// The stages of operations, before and after the answer.
var (
	toLogin   = overSelf.with("in a request of the login", "previous", "responses")
	toRefresh = overSelf.with("in the request of a refresh", "previous", "token")
	toVerify  = overSelf.with("in the request of a verification", "previous", "token")
	toRevoke  = overSelf.with("in a request of a revocation", "token", "responses")
	toSend    = overSelf.with("in a request for a code", "previous", "responses")
	withCode  = overSelf.with("in a login with a code", "previous", "challenge")
	toWarn    = overSelf.with("in a warning", "token")
)

// answered is the stage after an answer.
func (s stage) answered() stage { return s.with("here", "response", "responses") }

// readBehaviour reads what is sent and what answers mean.
func (r *upstreamReader) readBehaviour(content *hcl.BodyContent) {
	r.responses = r.response(content, overSelf.with("here", "response", "responses", "previous", "token"), described.Response{Format: described.FormatJSON})
	for _, v := range r.validations {
		r.readValidation(v)
	}
	for _, b := range r.blocks(content, "check") {
		r.def.Checks = append(r.def.Checks, r.rule(b, r.table("check"), overSelf, failure.Config))
	}
	for _, b := range r.blocks(content, "static") {
		inner, _ := r.read(b, r.table("static"))
		r.def.Static = r.expr(inner, "access_token", overSelf, cty.String)
	}
	for _, b := range r.blocks(content, "login") {
		r.def.Login = r.tokenOperation(b, r.table("login"), toLogin)
	}
	for _, b := range r.blocks(content, "refresh") {
		r.def.Refresh = r.tokenOperation(b, r.table("refresh"), toRefresh)
	}
	for _, b := range r.blocks(content, "second_factor") {
		r.readSecondFactor(b)
	}
	for _, b := range r.blocks(content, "verify") {
		r.readVerify(b)
	}
	for _, b := range r.blocks(content, "revoke") {
		inner, _ := r.read(b, r.table("revoke"))
		op, _ := r.operation(inner, toRevoke, false)
		r.def.Revoke = &op
	}
	for _, b := range r.blocks(content, "error") {
		r.readError(b)
	}
	for _, b := range r.blocks(content, "warn") {
		inner, v := r.read(b, r.table("warn"))
		r.def.Warns = append(r.def.Warns, described.Warn{
			Name: b.Labels[0], When: r.expr(inner, "when", toWarn, cty.Bool), Summary: v.String("summary"), Detail: v.String("detail"),
			Attribute: r.about(inner, v),
		})
	}
}

// response reads a response block and the success argument beside it, over what is
// set further out.
func (r *upstreamReader) response(content *hcl.BodyContent, s stage, outer described.Response) described.Response {
	for _, b := range r.blocks(content, "response") {
		inner, v := r.read(b, r.table("response"))
		if v.IsSet("format") {
			outer.Format = v.String("format")
		}
		if v.IsSet("unwrap") {
			outer.Unwrap = v.String("unwrap")
		}
		if x := r.expr(inner, "success", s, cty.Bool); x != nil {
			outer.Success = x
		}
	}
	if content.Attributes["success"] != nil {
		outer.Success = r.expr(content, "success", s, cty.Bool)
	}
	return outer
}

// operation reads the requests of an operation, and returns the stage after the last
// answer. Of several, only the last one's answer is the operation's.
func (r *upstreamReader) operation(
	content *hcl.BodyContent, s stage, login bool,
) (op described.Operation, after stage) {
	requests := r.blocks(content, "request")
	for i, b := range requests {
		if label := b.Labels[0]; slices.Contains(s.labels, label) {
			r.error(b.DefRange, "Duplicate label", fmt.Sprintf("Two requests of one operation have the label %q. Labels must be unique.", label))
		}
		q := r.request(b, s, login)
		settings := r.responses
		if i == len(requests)-1 {
			settings = r.response(content, s.answered(), settings)
		}
		q.Response = r.response(q.content, s.answered(), settings)
		op.Requests = append(op.Requests, q.Request)
		if q.Label != "" {
			s.labels = append(slices.Clone(s.labels), q.Label)
		}
	}
	return op, s.answered()
}

// tokenOperation reads a login, a refresh or a login with a code. What one of the latter
// does not set is the login's, which package described sees to.
func (r *upstreamReader) tokenOperation(b *hcl.Block, table *schema.Block, s stage) *described.TokenOperation {
	content, v := r.read(b, table)
	op, after := r.operation(content, s, b.Type != "refresh")
	t := &described.TokenOperation{Operation: op}
	t.AccessToken = r.expr(content, "access_token", after, cty.String)
	t.RefreshToken = r.expr(content, "refresh_token", after, cty.String)
	t.ExpiresIn, t.ExpiresAt = r.expiry(content, after)
	if t.NeverExpires = v.Bool("never_expires"); t.NeverExpires && (t.ExpiresIn != nil || t.ExpiresAt != nil) {
		r.contradictoryExpiry(content, "Only one of expires_in, expires_at and never_expires can be set.")
	}
	t.Lifetime = r.expr(content, "lifetime", overSelf, cty.String)
	t.RefreshableFor = r.expr(content, "refreshable_for", overSelf, cty.String)
	t.RefreshExpiresIn = r.expr(content, "refresh_expires_in", after, cty.DynamicPseudoType)
	t.Outputs = r.outputs(content, after)
	switch b.Type {
	case "login":
		t.RevokesPrevious = v.Bool("revokes_previous")
		if t.ExpiresIn == nil && t.ExpiresAt == nil && t.Lifetime == nil && !t.NeverExpires {
			r.error(b.DefRange, "Missing lifetime", "Say how long a token lives: set expires_in, expires_at, lifetime or never_expires = true.")
		}
	case "refresh":
		t.SingleUse, t.ReuseGrace = v.Bool("single_use"), v.Duration("reuse_grace")
		t.RevokesPrevious = v.Bool("revokes_previous") || t.SingleUse && !v.IsSet("revokes_previous")
	}
	return t
}

// expiry reads when a token ends, of which one form can be set.
func (r *upstreamReader) expiry(content *hcl.BodyContent, after stage) (in, at schema.Expr) {
	in = r.expr(content, "expires_in", after, cty.DynamicPseudoType)
	at = r.expr(content, "expires_at", after, cty.DynamicPseudoType)
	if in != nil && at != nil {
		r.contradictoryExpiry(content, "Only one of expires_in and expires_at can be set.")
	}
	return in, at
}

func (r *upstreamReader) contradictoryExpiry(content *hcl.BodyContent, detail string) {
	r.error(earliest(content, "expires_in", "expires_at", "never_expires"), "Contradictory arguments", detail)
}

// earliest is where the first of those arguments stands, of which one is set.
func earliest(content *hcl.BodyContent, names ...string) (at hcl.Range) {
	for _, name := range names {
		if a := content.Attributes[name]; a != nil && (at.Filename == "" || a.Range.Start.Byte < at.Start.Byte) {
			at = a.Range
		}
	}
	return at
}

// outputs reads an object of outputs, each of which is an expression of its own: one
// that fails takes none of the others along.
func (r *upstreamReader) outputs(content *hcl.BodyContent, s stage) (list []described.Output) {
	a := content.Attributes["outputs"]
	if a == nil {
		return nil
	}
	pairs, problems := hcl.ExprMap(a.Expr)
	if problems.HasErrors() {
		r.error(a.Expr.Range(), "Invalid outputs", "Write outputs as an object: { name = expression, … }.")
		return nil
	}
	for _, pair := range pairs {
		name, why := pair.Key.Value(nil)
		if why.HasErrors() || name.Type() != cty.String {
			r.error(pair.Key.Range(), "Invalid outputs", "The names of outputs must be literal.")
			continue
		}
		i := slices.IndexFunc(r.def.Outputs, func(o schema.Output) bool { return o.Name == name.AsString() })
		if i < 0 {
			r.error(pair.Key.Range(), "Undeclared output", fmt.Sprintf("There is no output block for %q.%s", name.AsString(), didYouMean(name.AsString(), r.outputNames())))
			continue
		}
		// A number is as good as text: identifiers come as both.
		want := r.def.Outputs[i].Type
		x, _, ok := r.check(&hcl.Attribute{Name: name.AsString(), Expr: pair.Value, Range: pair.Value.Range()}, s, want)
		if i, is := x.(*inlineExpr); is {
			// Its name is the user's, and not that of an argument.
			i.refusesSecrets = false
		}
		if ok {
			list = append(list, described.Output{Name: name.AsString(), Expr: x, Optional: r.optional[name.AsString()]})
			r.takes = append(r.takes, x)
		}
	}
	return list
}

func (r *upstreamReader) readSecondFactor(b *hcl.Block) {
	content, _ := r.read(b, r.table("second_factor"))
	f := &described.SecondFactor{When: r.expr(content, "when", toLogin.answered(), cty.Bool)}
	for _, inner := range r.blocks(content, "send_code") {
		body, _ := r.read(inner, r.table("second_factor", "send_code"))
		op, after := r.operation(body, toSend, true)
		f.SendCode, f.Challenge = op, r.expr(body, "challenge", after, cty.String)
	}
	for _, inner := range r.blocks(content, "login_with_code") {
		f.LoginWithCode = *r.tokenOperation(inner, r.table("second_factor", "login_with_code"), withCode)
	}
	r.def.Second = f
}

func (r *upstreamReader) readVerify(b *hcl.Block) {
	content, v := r.read(b, r.table("verify"))
	op, after := r.operation(content, toVerify, false)
	verify := &described.Verify{Harmless: v.Bool("harmless")}
	byAnswer := v.String("by") == "answer"
	switch {
	case len(op.Requests) == 0 && !byAnswer:
		r.error(b.DefRange, "Missing request", "A verification needs a request block, or by = \"answer\" if the upstream has no request that only a valid token may make.")
	case len(op.Requests) > 0 && byAnswer:
		r.error(b.DefRange, "Contradictory arguments", "With by = \"answer\" no request is sent. Remove the request block, or by.")
	case len(op.Requests) > 0:
		verify.Request = &op.Requests[0]
		if m := verify.Request.Method; m != "GET" && m != "HEAD" && !verify.Harmless {
			r.error(b.DefRange, "Verification must be harmless", fmt.Sprintf("A verification is sent at each plan, and this one is a %s. Set harmless = true if it changes nothing.", m))
		}
	}
	if len(op.Requests) == 0 {
		after = toVerify
	}
	verify.ExpiresIn, verify.ExpiresAt = r.expiry(content, after)
	verify.Outputs = r.outputs(content, after)
	for _, rule := range r.blocks(content, "precondition") {
		verify.Preconditions = append(verify.Preconditions, r.rule(rule, r.table("verify", "precondition"), toVerify, ""))
	}
	r.def.Verify = verify
}
