package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
)

// takeImport makes the token of the account's import block the pending one, as if
// an earlier run had got it: the first write of the record, that of the lease, is
// its journal, and it is delivered like any other that was journaled.
func (e *Engine) takeImport(o *observation) {
	im := e.Config.Imports[o.account.cfg.Address]
	if im == nil || o.record.Current != nil || o.record.Pending != nil {
		return
	}
	token := im.Token
	token.IssuedAt = o.at
	if life := o.input.Lifetime; token.ExpiresAt.IsZero() && life > 0 {
		// It lives no longer than this; its verification may find it dead before.
		token.ExpiresAt = o.at.Add(life)
		o.warn("The token to import may expire before it is replaced", fmt.Sprintf("The import block at %s has no expires_at, so the token is assumed to live as long as one issued now. Set expires_at.", o.importPlace(e)))
	}
	rec := o.record.Clone()
	rec.Pending = o.grant(token)
	rec.FirstSeenAt = o.at
	o.record, o.imported = rec, true
}

// importGood reports whether the import block's token can be used, once the
// upstream was asked about it. One that cannot is told, and left out.
func (e *Engine) importGood(o *observation) bool {
	g := o.record.Pending
	refreshable := o.input.CanRefresh && !g.Token.Refresh.IsZero()
	why := ""
	switch over := !g.Token.ExpiresAt.IsZero() && !o.at.Before(g.Token.ExpiresAt); {
	case refreshable:
	case over:
		why = "it expired " + g.Token.ExpiresAt.UTC().Format("2006-01-02 15:04 MST")
	case o.verification.Outcome == plan.Refused:
		why = o.verification.Message
	}
	if why == "" {
		if missing := o.missingOutputs(); missing != "" {
			o.input.Import = &plan.Block{Reason: plan.Imported, Message: missing}
		}
		return true
	}
	o.warn("The token to import is not valid", fmt.Sprintf("The token of the import block at %s is not used: %s. Remove the block; the account logs in instead.", o.importPlace(e), diag.Clause(why)))
	rec := o.record.Clone()
	rec.Pending = nil
	o.record, o.imported, o.outputs, o.verification = rec, false, nil, plan.Verification{}
	return false
}

// foundWithoutAsking reports whether a verification has ended with no answer of the
// upstream, for want of something that it needs.
func foundWithoutAsking(err error) bool {
	var e *failure.Error
	return errors.As(err, &e) && e.Status == 0 && (e.Class == failure.Config || e.Class == failure.Human)
}

// cannotCheckImport says why a token to import cannot be verified, and which outputs
// may be missing.
func (o *observation) cannotCheckImport(err error) string {
	var absent []string
	for _, out := range o.account.cfg.Spec.Outputs {
		if !config.OfToken(out.Name) && o.record.Pending.Token.Outputs[out.Name] == nil {
			absent = append(absent, out.Name+" = …")
		}
	}
	var e *failure.Error
	message := "the token of the import block cannot be verified: " + err.Error()
	if errors.As(err, &e) && e.Message != "" {
		message = "the token of the import block cannot be verified: " + e.Message
	}
	if len(absent) == 0 {
		return message
	}
	return fmt.Sprintf("%s. In the import block, set the outputs that the check needs and only a login would give: outputs = { %s }", diag.Clause(message), strings.Join(absent, ", "))
}

func (o *observation) importPlace(e *Engine) string {
	r := e.Config.Imports[o.account.cfg.Address].Range
	if r == nil {
		return "an import block"
	}
	return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line)
}

// missingOutputs says which outputs the deliver blocks need and neither the import
// block nor the verification gives; "" if none.
func (o *observation) missingOutputs() string {
	outputs := o.record.Pending.Token.Outputs.Merge(o.outputs)
	var missing []string
	for _, t := range o.account.targets {
		for _, name := range t.TokenOutputs {
			known := slices.ContainsFunc(
				o.account.cfg.Spec.Outputs,
				func(out schema.Output) bool { return out.Name == name },
			)
			if !known || config.OfToken(name) || outputs[name] != nil || slices.Contains(missing, name) {
				continue
			}
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return ""
	}
	slices.Sort(missing)
	return fmt.Sprintf("the token of the import block lacks %s, which a deliver block writes and only a login would give; set outputs = { %s = … } in the import block, or remove the block to log in",
		strings.Join(missing, ", "), strings.Join(missing, " = …, "))
}
