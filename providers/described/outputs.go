package described

import (
	"fmt"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// errOutput is an output whose value cannot be taken.
type errOutput struct{ name, place, why string }

func (e *errOutput) Error() string {
	return fmt.Sprintf("output %q (%s): %s", e.name, e.place, e.why)
}

// takeOutputs evaluates outputs. Each one that can be taken is, and the first one that
// cannot is the error, unless it is optional.
func (s *scope) takeOutputs(list []Output) (credential.Outputs, []string, error) {
	taken, warnings := credential.Outputs{}, []string(nil)
	var failed error
	for _, o := range list {
		declared, _ := s.c.output(o.Name)
		v, err := s.evalFor(o.Name, o.Expr)
		var value any
		var odd bool
		if err == nil {
			value, odd, err = outputOf(declared, v)
		}
		switch {
		case err != nil && o.Optional:
			warnings = append(warnings, fmt.Sprintf("The output %q (%s) was left out: %s.",
				o.Name, o.Expr.Place(), withoutPlace(o.Expr, err)))
		case err != nil && failed == nil:
			failed = &errOutput{o.Name, o.Expr.Place(), withoutPlace(o.Expr, err)}
		case err != nil || value == nil:
		default:
			taken[o.Name] = value
		}
		if odd {
			warnings = append(warnings, fmt.Sprintf("The output %q (%s) has text made of a number with a fraction or an exponent, "+
				"which credsync writes with all of its digits. Have the upstream send a string.", o.Name, o.Expr.Place()))
		}
	}
	return taken, warnings, failed
}

// outputOf turns a value into that of an output: nil for null. odd says that a text in it
// was made of a number that is not whole, or not written as such.
func outputOf(o schema.Output, v cty.Value) (value any, odd bool, err error) {
	odd = isRewritten(v) && o.Type != cty.Bool
	if v, err = undamaged(v); err != nil || v.IsNull() {
		return nil, false, err
	}
	wrong := fmt.Errorf("%s is declared, and the value is %s", declaredType(o.Type), kindOf(v))
	switch {
	case o.Type == cty.String:
		if isList(v) || isFields(v) {
			return nil, false, wrong
		}
		s, err := textOf(v)
		odd = odd || v.Type() == cty.Number && !v.AsBigFloat().IsInt()
		if o.Sensitive {
			return credential.NewSecret(s), odd, err
		}
		return s, odd, err
	case o.Type == cty.Bool:
		b, err := convert.Convert(v, cty.Bool)
		if err != nil || b.IsNull() {
			return nil, false, wrong
		}
		return b.True(), false, nil
	case !isList(v):
		return nil, false, wrong
	case o.Type.ElementType() == cty.String:
		list, err := textList(v)
		return list, odd, err
	}
	list, err := objectList(o.Type.ElementType(), v)
	return list, odd, err
}

func textList(v cty.Value) ([]string, error) {
	list := []string{}
	for i, element := range v.AsValueSlice() {
		if element.IsNull() || isList(element) || isFields(element) {
			return nil, fmt.Errorf("list(string) is declared, and the element %d is %s", i, kindOf(element))
		}
		s, err := textOf(element)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// objectList leaves out what is null of an element, and what is not declared of it.
func objectList(object cty.Type, v cty.Value) ([]map[string]string, error) {
	list := []map[string]string{}
	for i, element := range v.AsValueSlice() {
		if element.IsNull() || !isFields(element) {
			return nil, fmt.Errorf("a list of objects is declared, and the element %d is %s", i, kindOf(element))
		}
		fields, texts := element.AsValueMap(), map[string]string{}
		for name := range object.AttributeTypes() {
			field, ok := fields[name]
			switch {
			case !ok:
				return nil, fmt.Errorf("the element %d has no %q", i, name)
			case field.IsNull():
				continue
			case isList(field) || isFields(field):
				return nil, fmt.Errorf("%q of the element %d is %s, and not a string", name, i, kindOf(field))
			}
			s, err := textOf(field)
			if err != nil {
				return nil, err
			}
			texts[name] = s
		}
		list = append(list, texts)
	}
	return list, nil
}

// declaredType writes the type of an output.
func declaredType(t cty.Type) string {
	switch {
	case t == cty.String || t == cty.Bool:
		return t.FriendlyName()
	case t.IsListType() && t.ElementType() == cty.String:
		return "list(string)"
	}
	return "a list of objects"
}

// outputValues are the declared outputs as expressions see them, null where a token
// does not have them in their type.
func (c *compiled) outputValues(outputs credential.Outputs) map[string]cty.Value {
	fields := map[string]cty.Value{}
	for _, o := range c.Outputs {
		fields[o.Name] = cty.NullVal(o.Type)
		v, err := convert.Convert(outputValue(outputs[o.Name], o.Type), o.Type)
		if err == nil {
			fields[o.Name] = v
		}
	}
	return fields
}

func outputValue(v any, t cty.Type) cty.Value {
	switch v := v.(type) {
	case string:
		return cty.StringVal(v)
	case credential.Secret:
		return cty.StringVal(v.Reveal())
	case bool:
		return cty.BoolVal(v)
	case []string:
		list := make([]cty.Value, len(v))
		for i, s := range v {
			list[i] = cty.StringVal(s)
		}
		return cty.TupleVal(list)
	case []map[string]string:
		if !t.IsListType() || !t.ElementType().IsObjectType() {
			break
		}
		list := make([]cty.Value, len(v))
		for i, m := range v {
			fields := map[string]cty.Value{}
			for name := range t.ElementType().AttributeTypes() {
				fields[name] = cty.NullVal(cty.String)
				if s, ok := m[name]; ok {
					fields[name] = cty.StringVal(s)
				}
			}
			list[i] = cty.ObjectVal(fields)
		}
		return cty.TupleVal(list)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}
