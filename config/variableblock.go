package config

import (
	"fmt"

	"github.com/credsync/credsync/schema"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is a variable block.
type variable struct {
	name         string
	def          hcl.Range
	ty           cty.Type
	typed        bool
	optional     *typeexpr.Defaults
	defaultValue cty.Value // NilVal without a default
	sensitive    bool
	nullable     bool
	rules        []validationRule
	// broken variables were reported; their value is unknown.
	broken bool
	value  cty.Value
	// byDefault says that nobody gave it a value.
	byDefault bool
}

// validationRule is a validation block.
type validationRule struct {
	condition, message hcl.Expression
}

// declareVariables reads the variable blocks.
func (l *loader) declareVariables(blocks []*hcl.Block) {
	for _, b := range blocks {
		name := b.Labels[0]
		if !l.checkName(name, "a variable", b) {
			continue
		}
		if first := l.vars[name]; first != nil {
			l.report.error(b.DefRange, "", "Duplicate variable", fmt.Sprintf("A variable named %q was already declared at %s. Names must be unique.", name, place(first.def)))
			continue
		}
		l.vars[name] = l.declareVariable(name, b)
	}
}

// checkName refuses labels that references could not be written to.
func (l *loader) checkName(name, kind string, b *hcl.Block) bool {
	if isIdentifier(name) {
		return true
	}
	l.report.error(b.LabelRanges[len(b.LabelRanges)-1], "", "Invalid name", fmt.Sprintf("The name of %s must start with a letter or an underscore, and may have letters, digits, underscores and dashes.", kind))
	return false
}

func (l *loader) declareVariable(name string, b *hcl.Block) *variable {
	v := &variable{name: name, def: b.DefRange, ty: cty.DynamicPseudoType, nullable: true}
	s := sectionOf(b)
	table := l.tables.variable
	content, ok := l.splitByTables(s, scope{ctx: l.functionsContext}, []*schema.Block{table})
	// A default is a secret until the variable is known not to be.
	v.broken = !ok
	flags := *content
	flags.Blocks = nil
	values, ok := l.decode(&flags, table, s, scope{ctx: l.functionsContext, constant: true})
	v.broken = v.broken || !ok
	v.sensitive = values.Bool("sensitive") || !ok
	v.nullable = values.Bool("nullable")
	if a := content.Attributes["type"]; a != nil {
		l.report.reveal(a.Expr)
		v.typed = true
		ty, optional, problems := typeexpr.TypeConstraintWithDefaults(a.Expr)
		for _, p := range problems {
			l.reportStructure(p, "")
			v.broken = true
		}
		v.ty, v.optional = ty, optional
	}
	if a := content.Attributes["default"]; a != nil {
		l.declareDefault(v, a.Expr)
	}
	for _, block := range content.Blocks {
		l.declareRule(v, block)
	}
	return v
}

func (l *loader) declareDefault(v *variable, expr hcl.Expression) {
	if !v.sensitive {
		l.report.reveal(expr)
		l.report.sources["var."+v.name] = expr.Range()
	}
	if len(expr.Variables()) > 0 {
		l.report.error(expr.Range(), "", "Variables not allowed", fmt.Sprintf("The default of variable %q must not refer to anything. If it is meant as text, put it in quotes.", v.name))
		v.broken = true
		return
	}
	value, problems := expr.Value(nil)
	if problems.HasErrors() {
		l.report.error(expr.Range(), "", "Invalid default", fmt.Sprintf("The default of variable %q must be a literal value: functions may not be called.", v.name))
		v.broken = true
		return
	}
	if v.broken {
		return
	}
	value, err := v.convert(value)
	switch {
	case err != "":
		l.report.error(expr.Range(), "", "Invalid default", fmt.Sprintf("The default of variable %q does not fit its type: %s.", v.name, err))
		v.broken = true
	case value.IsNull() && !v.nullable:
		l.report.error(expr.Range(), "", "Invalid default", fmt.Sprintf("The default of variable %q is null, but the variable is not nullable.", v.name))
		v.broken = true
	default:
		v.defaultValue = value
	}
}

// convert gives a value the variable's type. The error says what is wanted and
// nothing of the value.
func (v *variable) convert(value cty.Value) (cty.Value, string) {
	if v.optional != nil && !value.IsNull() {
		value = v.optional.Apply(value)
	}
	converted, err := convert.Convert(value, v.ty)
	if err == nil {
		return converted, ""
	}
	if v.sensitive || !v.ty.IsObjectType() {
		return cty.DynamicVal, typeexpr.TypeString(v.ty) + " required"
	}
	return cty.DynamicVal, err.Error()
}

func (l *loader) declareRule(v *variable, b *hcl.Block) {
	s := section{body: b.Body, def: b.DefRange, kind: "a validation block of variable " + v.name}
	content, ok := l.splitByTables(s, scope{}, []*schema.Block{l.tables.validation})
	condition, message := content.Attributes["condition"], content.Attributes["error_message"]
	if ok && (condition == nil || message == nil) {
		l.report.error(b.DefRange, "", "Missing required argument", "A validation block needs both condition and error_message.")
	}
	if condition == nil || message == nil {
		v.broken = true
		return
	}
	if !v.sensitive {
		l.report.reveal(condition.Expr)
		l.report.reveal(message.Expr)
	}
	v.rules = append(v.rules, validationRule{condition: condition.Expr, message: message.Expr})
}

// checkRules evaluates the validation blocks, once every variable has a value.
func (l *loader) checkRules(v *variable) {
	sc := scope{ctx: l.functionsContext.NewChild()}
	sc.ctx.Variables = map[string]cty.Value{"var": l.varObject()}
	for _, r := range v.rules {
		result, ok := l.evaluate(r.condition, sc, v.sensitive)
		if !ok {
			continue
		}
		result, err := convert.Convert(result, cty.Bool)
		result, _ = result.Unmark()
		if err != nil || result.IsKnown() && result.IsNull() {
			l.report.error(r.condition.Range(), "", "Invalid validation condition", "A validation's condition must be true or false.")
			continue
		}
		if !result.IsKnown() || result.True() {
			continue
		}
		l.reportBrokenRule(v, r, sc)
	}
}

func (l *loader) reportBrokenRule(v *variable, r validationRule, sc scope) {
	detail := "The value does not satisfy this rule. Its error message is not shown, because it contains a sensitive value."
	if message, ok := l.evaluate(r.message, sc, v.sensitive); ok && !isSensitive(message) {
		if text, err := convert.Convert(message, cty.String); err == nil && text.IsKnown() && !text.IsNull() {
			detail = asWritten(text.AsString())
		}
	}
	f := finding{subject: &v.def, uses: namesUsedIn(r.message), detailWithoutValues: "The value does not satisfy a validation rule of this variable."}
	f.Severity, f.Summary, f.Detail = "error", "Invalid value for variable", fmt.Sprintf("Variable %q: %s", v.name, detail)
	l.report.addFinding(f)
}

// place writes a range for the text of a diagnostic.
func place(r hcl.Range) string { return convertRange(r).String() }
