package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// envPrefix begins the environment variables that give variables their values.
const envPrefix = "CREDSYNC_VAR_"

// assignment is a value given to a variable, not converted yet.
type assignment struct {
	value cty.Value
	// from says where it was given, for diagnostics.
	from string
	// at is the place in a variables file, nil elsewhere.
	at *hcl.Range
}

// assignVariables gives every variable its value. Later sources win: the
// environment, *.auto.credvars files by name, then --var-file and --var as they
// were given.
func (l *loader) assignVariables() {
	given := map[string]assignment{}
	for _, name := range l.varNames() {
		if text := l.getenv(envPrefix + name); text != "" {
			l.assignText(given, name, text, "the environment variable "+envPrefix+name)
		}
	}
	for _, path := range l.autoVarFiles() {
		l.assignFile(given, path)
	}
	for _, in := range l.opts.Inputs {
		if in.File != "" {
			l.assignFile(given, in.File)
		} else {
			l.assignArgument(given, in.Var)
		}
	}
	for _, name := range l.varNames() {
		l.resolveVariable(l.vars[name], given)
	}
	for _, name := range l.varNames() {
		l.checkRules(l.vars[name])
	}
}

func (l *loader) varNames() []string { return slices.Sorted(maps.Keys(l.vars)) }

func (l *loader) autoVarFiles() []string {
	paths, err := listMatching(l.dir, isAutoVars)
	if err != nil {
		l.report.add(unreadable(l.dir, err), nil)
	}
	return paths
}

func isAutoVars(name string) bool {
	return strings.HasSuffix(name, autoVarsSuffix) || strings.HasSuffix(name, autoVarsSuffix+".json")
}

func (l *loader) assignArgument(given map[string]assignment, arg string) {
	name, text, ok := strings.Cut(arg, "=")
	name = strings.TrimSpace(name)
	switch {
	case !ok || !isIdentifier(name):
		l.report.add(diag.Errorf("Invalid --var option", "A --var option must be a variable's name, an equals sign and its value, such as --var region=almaty. The given text is not shown, because it may contain a secret."), nil)
	case l.vars[name] == nil:
		l.report.add(diag.Errorf("Value for undeclared variable", "A value for the variable %q was given by --var, but the configuration does not declare it.%s", name, didYouMean(name, l.varNames())), nil)
	default:
		l.assignText(given, name, text, "--var")
	}
}

// assignText takes a value that is text outside of any file: as it is for a
// variable of type string, number or bool or of no type, and as an expression
// for others, as Terraform does.
func (l *loader) assignText(given map[string]assignment, name, text, from string) {
	v := l.vars[name]
	if !v.typed || v.ty.IsPrimitiveType() {
		if err := inputtext.Check(text); err != nil {
			v.broken = true
			l.report.add(diag.Errorf("Invalid value for variable", "The value of variable %q given by %s %s.", name, from, err), nil)
			return
		}
		given[name] = assignment{value: cty.StringVal(text), from: from}
		return
	}
	wrong := func() {
		v.broken = true
		l.report.add(diag.Errorf("Invalid value for variable", "The value of variable %q given by %s is not a valid expression. Write lists as [\"a\", \"b\"], maps as { a = \"b\" } and text in quotes. The value is not shown, because it may contain a secret.", name, from), nil)
	}
	if checkDepth([]byte(text), false) != nil || inputtext.Check(text) != nil || unstableLiteral([]byte(text)) != 0 {
		wrong()
		return
	}
	expr, problems := hclsyntax.ParseExpression([]byte(text), "", hcl.InitialPos)
	if problems.HasErrors() {
		wrong()
		return
	}
	value, problems := expr.Value(nil)
	if problems.HasErrors() {
		wrong()
		return
	}
	given[name] = assignment{value: value, from: from}
}

// assignFile reads a variables file. Any of its values may be a secret, so no
// source of it is shown but the names.
func (l *loader) assignFile(given map[string]assignment, path string) {
	src, unread := readSource(path)
	if unread != nil {
		l.report.add(*unread, nil)
		return
	}
	file, problems := l.parse(path, src)
	for _, p := range problems {
		d := syntaxError(p, src, strings.HasSuffix(path, ".json"), l.words)
		d.Snippet = nil
		l.report.add(d, nil)
	}
	if problems.HasErrors() {
		return
	}
	l.report.addFile(path, file)
	attrs, problems := file.Body.JustAttributes()
	for _, p := range problems {
		l.report.addFinding(finding{
			Diagnostic: diag.Errorf("Invalid variables file", "A variables file has lines of the form name = value, and no blocks."),
			subject:    p.Subject, noSource: true,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		l.assignAttribute(given, attrs[name], path)
	}
}

func (l *loader) assignAttribute(given map[string]assignment, a *hcl.Attribute, path string) {
	v := l.vars[a.Name]
	if v == nil {
		l.report.add(diag.Warningf("Value for undeclared variable", "The file %s gives a value to the variable %q, but the configuration does not declare it.%s", path, a.Name, didYouMean(a.Name, l.varNames())), &a.NameRange)
		return
	}
	value, problems := a.Expr.Value(nil)
	if problems.HasErrors() {
		v.broken = true
		l.report.error(a.NameRange, "", "Invalid value for variable", fmt.Sprintf("The value of variable %q must be a literal: it may not refer to anything or call functions. If it is meant as text, put it in quotes.", a.Name))
		return
	}
	given[a.Name] = assignment{value: value, from: "the file " + path, at: a.NameRange.Ptr()}
}

// howToSet are those of giving a value. Arguments can be seen by all users of the
// machine, so they are none for a secret.
func (v *variable) howToSet() string {
	env, file := "in the environment variable "+envPrefix+v.name, "in a file given by --var-file or named *.auto.credvars"
	if v.sensitive {
		return env + ", or " + file
	}
	return "with --var " + v.name + "=…, " + file + ", or " + env
}

// resolveVariable chooses and converts a variable's value.
func (l *loader) resolveVariable(v *variable, given map[string]assignment) {
	v.value = cty.UnknownVal(v.ty)
	if a, ok := given[v.name]; ok && !v.broken {
		l.setGivenValue(v, a)
	} else if !v.broken {
		switch {
		case v.defaultValue != cty.NilVal:
			v.value, v.byDefault = v.defaultValue, true
		case !l.opts.AllowUnset && !(v.sensitive && l.opts.WithoutSecrets):
			v.broken = true
			why := "no value"
			if l.opts.EnvIsSet != nil && l.opts.EnvIsSet(envPrefix+v.name) {
				why = "no value: the environment variable " + envPrefix + v.name + " is set, but empty"
			}
			l.report.error(v.def, "", "No value for required variable", fmt.Sprintf("The variable %q has no default and %s. Set it %s.", v.name, why, v.howToSet()))
		}
	}
	if v.sensitive {
		v.value = markSensitive(v.value)
	}
}

func (l *loader) setGivenValue(v *variable, a assignment) {
	if a.value.IsNull() && !v.nullable && v.defaultValue != cty.NilVal {
		v.value = v.defaultValue
		return
	}
	value, wrong := v.convert(a.value)
	if wrong == "" && value.IsNull() && !v.nullable {
		wrong = "it must not be null"
	}
	if wrong == "" {
		v.value = value
		return
	}
	v.broken = true
	d := diag.Errorf("Invalid value for variable", "The value given by %s is not valid for the variable %q, declared at %s: %s.", a.from, v.name, place(v.def), wrong)
	l.report.add(d, a.at)
}

// varObject is what `var` means.
func (l *loader) varObject() cty.Value {
	values := make(map[string]cty.Value, len(l.vars))
	for name, v := range l.vars {
		values[name] = v.value
	}
	return cty.ObjectVal(values)
}
