package config

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/schema/functions"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// requestFunctionsContext has the functions that an upstream block may call: those that
// look at nothing but their arguments, and those that are known when a request is sent.
func (l *loader) requestFunctionsContext() *hcl.EvalContext {
	if l.requestFunctions == nil {
		now := l.opts.Now
		if now == nil {
			now = time.Now
		}
		l.requestFunctions = &hcl.EvalContext{
			Functions: functions.RequestTable(now, rand.Reader),
			Variables: map[string]cty.Value{},
		}
	}
	return l.requestFunctions
}

// expr is an argument that is evaluated for each request; nil where it is not set, or has
// a mistake, which was reported.
func (r *upstreamReader) expr(content *hcl.BodyContent, name string, s stage, want cty.Type) schema.Expr {
	x, _ := r.argument(content, name, s, want)
	return x
}

// argument is expr with what is known of the value.
func (r *upstreamReader) argument(
	content *hcl.BodyContent, name string, s stage, want cty.Type,
) (x schema.Expr, unknown cty.Value) {
	a := content.Attributes[name]
	if a == nil {
		return nil, cty.DynamicVal
	}
	x, unknown, _ = r.check(a, s, want)
	return x, unknown
}

// check checks the names and the types of an expression with nothing known yet. It
// returns what is known of its value.
func (r *upstreamReader) check(a *hcl.Attribute, s stage, want cty.Type) (schema.Expr, cty.Value, bool) {
	r.show(a)
	names := &upstreamNames{stage: s, r: r}
	sc := scope{ctx: names.unknowns(), address: r.where, provider: r.def.Type, upstream: names}
	v, ok := r.l.evaluate(a.Expr, sc, r.inline != nil && isSent(a.Name))
	if !ok {
		r.good = false
		return nil, cty.DynamicVal, false
	}
	if want != cty.DynamicPseudoType {
		if _, err := convert.Convert(v, want); err != nil {
			r.error(a.Expr.Range(), "Incorrect argument type", fmt.Sprintf("Inappropriate value for the argument %q: %s required.", a.Name, want.FriendlyName()))
			return nil, cty.DynamicVal, false
		}
	}
	x := r.l.newUpstreamExpr(a.Expr, r.functions)
	if r.inline != nil {
		return r.inline.capture(x, a, s), v, true
	}
	return x, v, true
}

// show lets the source of an expression stand in diagnostics. In an account block secrets
// may be written into it, or be in the variables that it sends.
func (r *upstreamReader) show(a *hcl.Attribute) {
	if r.inline == nil {
		r.l.report.reveal(a.Expr)
		return
	}
	r.l.report.revealNames(a.Expr)
	if isSent(a.Name) {
		r.l.report.taint(namesUsedIn(a.Expr))
	}
}

// rule reads a condition with its message. class is that of a rule whose table has none.
func (r *upstreamReader) rule(b *hcl.Block, table *schema.Block, s stage, class failure.Class) described.Rule {
	content, v := r.read(b, table)
	rule := described.Rule{
		Condition: r.expr(content, "condition", s, cty.Bool), Class: class,
		Place: convertRange(b.DefRange).String(),
	}
	if class == "" {
		rule.Class, rule.Reason = failure.Class(v.String("class")), failure.Reason(v.String("reason"))
		r.checkReason(b, rule.Class, rule.Reason)
	}
	if v.Has("attribute") {
		rule.Attribute = r.about(content, v)
	}
	if v.Has("advice") {
		rule.Advice = v.String("advice")
	}
	var unknown cty.Value
	rule.Message, unknown = r.argument(content, "error_message", s, cty.String)
	if rule.Message != nil && isSensitive(unknown) {
		r.error(content.Attributes["error_message"].Expr.Range(), "Sensitive value not allowed here", "An error message is shown, so it must not contain a sensitive value.")
	}
	return rule
}

// checkReason asks for a reason where only a person can act.
func (r *upstreamReader) checkReason(b *hcl.Block, class failure.Class, reason failure.Reason) {
	switch {
	case class == failure.Human && reason == "":
		r.error(b.DefRange, "Missing required argument", "The argument \"reason\" is required for class \"human\": it says what a person has to do.")
	case reason != "" && class != failure.Human &&
		!(class == failure.Credentials && reason == failure.CredentialsRejected):
		r.error(b.DefRange, "Contradictory arguments", fmt.Sprintf("The reason %q is one of class \"human\".", reason))
	}
}

// about reads the attribute argument, which names one of the block's attributes.
func (r *upstreamReader) about(content *hcl.BodyContent, v schema.Values) string {
	name := v.String("attribute")
	if a := content.Attributes["attribute"]; a != nil && name != "" && !slices.Contains(r.attributeNames(), name) {
		r.error(a.Expr.Range(), "Unknown attribute", fmt.Sprintf(r.noAttribute(), name, didYouMean(name, r.attributeNames())))
	}
	return name
}

func (r *upstreamReader) noAttribute() string {
	if r.inline != nil {
		return "This description has no attribute %q.%s"
	}
	return "There is no attribute block for %q.%s"
}

func (r *upstreamReader) readError(b *hcl.Block) {
	content, v := r.read(b, r.table("error"))
	after := overSelf.with("here", "response", "responses", "previous", "token", "challenge")
	// A request that has not been answered yet is null.
	after.labels = r.allLabels()
	e := described.ErrorBlock{
		Name: b.Labels[0], Place: convertRange(b.DefRange).String(), On: v.Strings("on"),
		When:  r.expr(content, "when", after, cty.Bool),
		Class: failure.Class(v.String("class")), Reason: failure.Reason(v.String("reason")), Attribute: r.about(content, v),
		Summary: v.String("summary"), Message: r.expr(content, "message", after, cty.String), Advice: v.String("advice"),
		RetryAfter: r.expr(content, "retry_after", after, cty.DynamicPseudoType),
	}
	r.checkReason(b, e.Class, e.Reason)
	for _, other := range r.def.Errors {
		if other.Name == e.Name {
			r.error(b.DefRange, "Duplicate error block", fmt.Sprintf("Two error blocks are named %q. Names must be unique.", e.Name))
		}
		if len(other.On) == 0 && r.always[other.Name] {
			r.error(b.DefRange, "Unreachable error block", fmt.Sprintf("The error block %q before this one always matches, so this one never does. Put the most general block last.", other.Name))
		}
	}
	if a := content.Attributes["when"]; a != nil {
		literal, ok := a.Expr.(*hclsyntax.LiteralValueExpr)
		r.always[e.Name] = ok && literal.Val.RawEquals(cty.True)
	}
	r.def.Errors = append(r.def.Errors, e)
	if len(r.def.Errors) == described.MaxErrorBlocks+1 {
		r.error(b.DefRange, "Too many error blocks", fmt.Sprintf("An upstream has at most %d error blocks. Join some of them with ||.", described.MaxErrorBlocks))
	}
}

// readValidation reads a validation of an attribute, once all attributes are known.
func (r *upstreamReader) readValidation(v validationBlock) {
	rule := r.rule(v.block, r.table("attribute", "validation"), overSelf, failure.Config)
	rule.Attribute = v.attribute
	r.def.Validations = append(r.def.Validations, rule)
}

// checkWhole looks at what no single block shows.
func (r *upstreamReader) checkWhole(content *hcl.BodyContent) {
	if r.inline == nil && (r.def.Login == nil) == (r.def.Static == nil) &&
		len(r.blocks(content, "login")) == len(r.blocks(content, "static")) {
		r.error(
			r.block.DefRange,
			"Missing login block",
			"An upstream has exactly one of login and static: a login block says how an account logs in, a static block which attribute is its token.",
		)
	}
	if r.inline == nil && r.def.Static != nil && (r.def.Refresh != nil || r.def.Second != nil) {
		r.error(r.block.DefRange, "Contradictory blocks", "A static token is neither refreshed nor asked for a code. Use login in place of static.")
	}
	if r.def.Verify == nil && len(r.blocks(content, "verify")) == 0 {
		r.l.report.addFinding(finding{
			Diagnostic: diag.Diagnostic{
				Severity: diag.Warning, Address: r.where, Summary: "Nothing verifies the token",
				Detail: r.whatVerifies() + " Add a verify block with a request that only a valid token may make, or verify { by = \"answer\" } if the upstream has none.",
			},
			subject: &r.block.DefRange,
		})
	}
	r.checkRevocation(content)
	set := map[string]bool{}
	for _, t := range []*described.TokenOperation{r.def.Login, r.def.Refresh} {
		if t != nil {
			noteOutputs(set, t.Outputs)
		}
	}
	if r.def.Verify != nil {
		noteOutputs(set, r.def.Verify.Outputs)
	}
	for _, b := range r.blocks(content, "output") {
		if !set[b.Labels[0]] && r.good {
			r.error(b.DefRange, "Output is never set", fmt.Sprintf("No outputs argument of login, refresh or verify sets %q. Set it, or remove the block.", b.Labels[0]))
		}
	}
}

// checkRevocation judges whether a token can be revoked on the occasions that were named.
func (r *upstreamReader) checkRevocation(content *hcl.BodyContent) {
	a := content.Attributes["revoke_on"]
	if a == nil {
		return
	}
	onRemoval := slices.Contains(r.def.RevokeOn, providers.RevokeRemoved)
	switch {
	case len(r.blocks(content, "revoke")) == 0:
		r.error(a.Range, "Missing revoke block", "revoke_on needs a revoke block, which says how a token is revoked.")
	case onRemoval && r.inline != nil:
		r.error(a.Range, "Token cannot be revoked on removal", "When this account is removed, its description goes with it, so nothing would say how to revoke the token. Describe the upstream in an upstream block, or use [\"replaced\"].")
	case onRemoval && r.def.Static != nil:
		r.error(a.Range, "Token cannot be revoked on removal", "A configured token may be in use elsewhere. Revoke it at the upstream once it is no longer needed.")
	}
}

func (r *upstreamReader) whatVerifies() string {
	if r.def.Static != nil {
		return "The configured token is delivered as it is: nothing says that it is good."
	}
	return "Nothing but the answer that brings a token says that it is good."
}

func noteOutputs(set map[string]bool, outputs []described.Output) {
	for _, o := range outputs {
		set[o.Name] = true
	}
}
