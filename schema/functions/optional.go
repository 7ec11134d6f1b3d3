package functions

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// optionalFunc is try for a field that an upstream may leave out. try cannot tell such a
// field from one that is misspelt or has changed its type, and hides both. This one is as
// silent only about what is absent or null; what is there in another form than the
// expression needs it leaves out too, and marks what stands in for it (see schema.LeftOut).
var optionalFunc = function.New(&function.Spec{
	Description: "The value of the expression. If a field that it refers to is absent or null, it is the fallback, or null without one. If the field has another form than the expression needs, it is the same, and a warning names the field.",
	Params:      []function.Parameter{{Name: "expression", Type: customdecode.ExpressionClosureType}},
	VarParam:    fallbackParam(),
	Type: func(args []cty.Value) (cty.Type, error) {
		v, err := optional(args)
		if err != nil {
			return cty.NilType, err
		}
		return v.Type(), nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return optional(args) },
})

func fallbackParam() *function.Parameter {
	p := markedParam("fallback")
	return &p
}

func optional(args []cty.Value) (cty.Value, error) {
	fallback := cty.NullVal(cty.DynamicPseudoType)
	switch len(args) {
	case 1:
	case 2:
		fallback = args[1]
	default:
		return cty.NilVal, errors.New("at most one fallback can be given")
	}
	closure := customdecode.ExpressionClosureFromVal(args[0])
	v, problems := closure.Value()
	if problems.HasErrors() {
		odd, before := oddForm(closure, problems)
		if odd != nil {
			fallback = fallback.Mark(*odd)
		}
		return fallback.WithMarks(before), nil
	}
	switch bare, _ := v.Unmark(); {
	case !v.IsWhollyKnown():
		// As for try: it may fail, or be null, once it is known.
		return cty.DynamicVal, nil
	case bare.IsNull():
		return fallback.WithMarks(leftOutOf(v)), nil
	}
	return v, nil
}

// leftOutOf are the marks by which a value is known to stand in for others.
func leftOutOf(v cty.Value) cty.ValueMarks {
	marks := cty.ValueMarks{}
	for m := range v.Marks() {
		if _, ok := m.(schema.LeftOut); ok {
			marks[m] = struct{}{}
		}
	}
	return marks
}

// oddForm says what an expression was left out for; nil where something that it refers to
// is absent or null. before is what was left out on the way there.
func oddForm(
	closure *customdecode.ExpressionClosure, problems hcl.Diagnostics,
) (odd *schema.LeftOut, before cty.ValueMarks) {
	at := closure.Expression.Range()
	before = cty.ValueMarks{}
	odd = &schema.LeftOut{
		Name:  "the expression",
		Place: fmt.Sprintf("%s:%d,%d", filepath.Base(at.Filename), at.Start.Line, at.Start.Column),
		Why:   "it cannot be evaluated",
	}
	for i, t := range closure.Expression.Variables() {
		reached, kind, absent := follow(t, closure.EvalContext, before)
		switch {
		case absent:
			return nil, before
		case kind != "":
			odd.Name, odd.Why = reached, "it is "+kind
			return odd, before
		case i == 0:
			odd.Name = reached
		}
	}
	for _, p := range problems {
		extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](p)
		switch {
		case ok && extra.CalledFunctionName() == "coalesce", p.Summary == "Invalid index":
			// There is nothing in any of its arguments, or no such element in a list.
			return nil, before
		case ok && extra.CalledFunctionName() != "":
			odd.Why = fmt.Sprintf("the call to the function %q failed", extra.CalledFunctionName())
			return odd, before
		}
	}
	return odd, before
}

// follow goes along a reference. It ends at what is absent or null, or at what has no
// fields or elements of the wanted kind, which kind then says. To before it adds what is
// known to have been left out on the way.
func follow(t hcl.Traversal, ctx *hcl.EvalContext, before cty.ValueMarks) (reached, kind string, absent bool) {
	reached = t.RootName()
	for i := 1; ; i++ {
		v, problems := t[:i].TraverseAbs(ctx)
		if problems.HasErrors() {
			return reached, "", true
		}
		maps.Copy(before, leftOutOf(v))
		v, _ = v.Unmark()
		switch {
		case v.IsNull():
			return reached, "", true
		case i == len(t):
			return reached, "", false
		}
		name, isName := stepName(t[i])
		of := v.Type()
		isFields, isList := of.IsObjectType() || of.IsMapType(), of.IsTupleType() || of.IsListType()
		if isName && !isFields || !isName && !isList {
			return reached, kindOf(of), false
		}
		if isName {
			reached += "." + name
		} else {
			reached += "[" + t[i].(hcl.TraverseIndex).Key.AsBigFloat().Text('f', -1) + "]"
		}
	}
}

// stepName is the name that a step of a reference asks for; ok is false for a number.
func stepName(step hcl.Traverser) (name string, ok bool) {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

func kindOf(t cty.Type) string {
	switch {
	case t.IsObjectType(), t.IsMapType():
		return "an object"
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	}
	return "a " + t.FriendlyName()
}
