package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// placeholderSuffix is the suffix of a placeholder.
const placeholderSuffix = "[…]"

// instance is one block that a for_each makes of its block, or the block
// itself where it has none.
type instance struct {
	// suffix is `["key"]`, or "".
	suffix string
	key    string
	scope  scope
	// placeholder stands for instances that are not known offline.
	placeholder bool
}

// instances expands a block. ok is false where for_each is wrong.
func (l *loader) instances(a *hcl.Attribute, sc scope) (list []instance, ok bool) {
	if a == nil {
		return []instance{{scope: sc}}, true
	}
	l.report.reveal(a.Expr)
	v, ok := l.evaluate(a.Expr, sc, false)
	if !ok {
		return nil, false
	}
	if wrong := checkForEach(v); wrong != "" {
		l.report.error(a.Expr.Range(), sc.address, "Invalid for_each argument", wrong)
		return nil, false
	}
	if !v.IsKnown() || v.Type() == cty.DynamicPseudoType {
		return l.unknownInstances(a, sc)
	}
	sc.cache = newInstanceCache()
	for it := v.ElementIterator(); it.Next(); {
		key, value := it.Element()
		if v.Type().IsSetType() {
			key = value
		}
		if !key.IsKnown() {
			return l.unknownInstances(a, sc)
		}
		if key.IsNull() {
			l.report.error(a.Expr.Range(), sc.address, "Invalid for_each argument", "The set given to for_each has a null element. Its elements must be strings.")
			return nil, false
		}
		list = append(list, l.instance(sc, key, value))
	}
	return list, true
}

func (l *loader) instance(sc scope, key, value cty.Value) instance {
	i := instance{key: key.AsString(), scope: sc}
	i.suffix = instanceSuffix(i.key)
	i.scope.address = sc.address + i.suffix
	i.scope.each = true
	i.scope.ctx = sc.ctx.NewChild()
	i.scope.ctx.Variables = map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})}
	return i
}

// instanceSuffix is what an instance's address ends with.
func instanceSuffix(key string) string { return "[" + quoteHCL(key) + "]" }

// unknownInstances checks the block once with keys and values unknown: while
// data is not read, nobody can know them. After an error nothing is said,
// since the error is the reason.
func (l *loader) unknownInstances(a *hcl.Attribute, sc scope) ([]instance, bool) {
	if l.report.hasErrors() {
		return nil, false
	}
	if l.opts.ReadData != nil {
		l.report.error(a.Expr.Range(), sc.address, "Invalid for_each argument", "The keys of for_each must be known, but they depend on an unknown value.")
		return nil, false
	}
	l.noteUnknown(sc.address, "", a.Expr.Range())
	i := instance{suffix: placeholderSuffix, scope: sc, placeholder: true}
	i.scope.address, i.scope.each = sc.address+i.suffix, true
	i.scope.ctx = sc.ctx.NewChild()
	i.scope.ctx.Variables = map[string]cty.Value{
		"each": cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": cty.DynamicVal}),
	}
	return []instance{i}, true
}

// noteUnknown notes what takes values that are not read. Of a placeholder the
// for_each was noted, which is the reason for the rest.
func (l *loader) noteUnknown(address, sinkType string, at hcl.Range) {
	if strings.HasSuffix(address, placeholderSuffix) {
		return
	}
	l.unknown = append(l.unknown, Unknown{Address: address, SinkType: sinkType, Range: convertRange(at)})
}

// checkForEach returns what is wrong with a value of for_each, or "".
func checkForEach(v cty.Value) string {
	switch t := v.Type(); {
	case v.IsMarked():
		return "for_each cannot take a sensitive value, or a value derived from one: its keys become part of addresses, which are shown. If the keys are not secret, build the map from keys that are not sensitive, or wrap them in nonsensitive()."
	case v.IsKnown() && v.IsNull():
		return "The value of for_each is null. It must be a map, or a set of strings."
	case t == cty.DynamicPseudoType, t.IsMapType(), t.IsObjectType():
		return ""
	case t.IsSetType() && (t.ElementType() == cty.String || t.ElementType() == cty.DynamicPseudoType):
		return ""
	case t.IsSetType():
		return fmt.Sprintf("The value of for_each is a set of %s. It must be a map, or a set of strings.", t.ElementType().FriendlyName())
	case t.IsListType(), t.IsTupleType():
		return "The value of for_each is a list. It must be a map, or a set of strings: use toset() if the order and duplicates do not matter."
	}
	return fmt.Sprintf("The value of for_each is a %s. It must be a map, or a set of strings.", v.Type().FriendlyName())
}
