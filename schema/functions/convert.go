package functions

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// toCollection converts to a list or a set. It differs from the standard
// library's only in speed: that unifies the types of a literal list in
// quadratic time, which ten thousand accounts in a toset([…]) would feel.
func toCollection(of func(cty.Type) cty.Type) function.Function {
	general := stdlib.MakeToFunc(of(cty.DynamicPseudoType))
	return function.New(&function.Spec{
		Params: general.Params(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if element, ok := sameElements(args[0].Type()); ok {
				return of(element), nil
			}
			return general.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
			if _, ok := sameElements(args[0].Type()); ok {
				return convert.Convert(args[0], want)
			}
			return general.Call(args)
		},
	})
}

func sameElements(t cty.Type) (cty.Type, bool) {
	if !t.IsTupleType() || t.Length() == 0 || !t.TupleElementType(0).IsPrimitiveType() {
		return cty.NilType, false
	}
	first := t.TupleElementType(0)
	for _, e := range t.TupleElementTypes() {
		if e != first {
			return cty.NilType, false
		}
	}
	return first, true
}
