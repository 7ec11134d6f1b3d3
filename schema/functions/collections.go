package functions

import (
	"errors"
	"slices"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

func anyParam(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType, AllowDynamicType: true}
}

// quantifierFunc asks whether all (or any) of a list of bools are true.
func quantifierFunc(empty bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Bool)}},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			unknown := false
			for it := args[0].ElementIterator(); it.Next(); {
				_, v := it.Element()
				switch {
				case !v.IsKnown():
					unknown = true
				case (!v.IsNull() && v.True()) != empty:
					return cty.BoolVal(!empty), nil
				}
			}
			if unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(empty), nil
		},
	})
}

var (
	allTrueFunc = quantifierFunc(true)
	anyTrueFunc = quantifierFunc(false)
)

// coalesceFunc returns the first argument that is neither null nor an empty
// string, as Terraform's does.
var coalesceFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{
		Name:             "vals",
		Type:             cty.DynamicPseudoType,
		AllowNull:        true,
		AllowUnknown:     true,
		AllowDynamicType: true,
	},
	Type: func(args []cty.Value) (cty.Type, error) {
		types := make([]cty.Type, len(args))
		for i, v := range args {
			types[i] = v.Type()
		}
		common, _ := convert.UnifyUnsafe(types)
		if common == cty.NilType {
			return cty.NilType, errors.New("all arguments must have the same type")
		}
		return common, nil
	},
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		for _, arg := range args {
			v, err := convert.Convert(arg, want)
			if err != nil {
				return cty.UnknownVal(want), errors.New("all arguments must have the same type")
			}
			switch {
			case !v.IsKnown():
				return cty.UnknownVal(want), nil
			case v.IsNull(), want == cty.String && v.AsString() == "":
				continue
			}
			return v, nil
		}
		return cty.UnknownVal(want), errors.New("every argument is null or an empty string")
	},
})

// lengthFunc counts elements, or the characters of a string.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
	Type: func(args []cty.Value) (cty.Type, error) {
		t := args[0].Type()
		if t == cty.String || t == cty.DynamicPseudoType || t.IsCollectionType() || t.IsTupleType() ||
			t.IsObjectType() {
			return cty.Number, nil
		}
		return cty.NilType, function.NewArgErrorf(0, "must be a string, a collection or a structure")
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v := args[0]
		switch t := v.Type(); {
		case t.IsTupleType():
			return cty.NumberIntVal(int64(t.Length())), nil
		case t.IsObjectType():
			return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
		case !v.IsKnown():
			return cty.UnknownVal(cty.Number), nil
		case t == cty.String:
			return stdlib.Strlen(v)
		default:
			return v.Length(), nil
		}
	},
})

var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("list"), anyParam("value")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if t := args[0].Type(); !t.IsListType() && !t.IsTupleType() {
			return cty.UnknownVal(cty.Number), function.NewArgErrorf(0, "must be a list or a tuple")
		}
		for it := args[0].ElementIterator(); it.Next(); {
			i, v := it.Element()
			same := v.Equals(args[1])
			if !same.IsKnown() {
				return cty.UnknownVal(cty.Number), nil
			}
			if same.True() {
				return i, nil
			}
		}
		return cty.UnknownVal(cty.Number), errors.New("the list has no such element")
	},
})

var matchKeysFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "values", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "searchset", Type: cty.List(cty.DynamicPseudoType)},
	},
	Type: sameType,
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		values, keys, wanted := args[0], args[1], args[2].AsValueSlice()
		if values.LengthInt() != keys.LengthInt() {
			return cty.UnknownVal(want), errors.New("values and keys must have the same length")
		}
		if !keys.IsWhollyKnown() || !args[2].IsWhollyKnown() {
			return cty.UnknownVal(want), nil
		}
		var found []cty.Value
		for i, key := range keys.AsValueSlice() {
			if slices.ContainsFunc(wanted, key.RawEquals) {
				found = append(found, values.Index(cty.NumberIntVal(int64(i))))
			}
		}
		if len(found) == 0 {
			return cty.ListValEmpty(want.ElementType()), nil
		}
		return cty.ListVal(found), nil
	},
})

var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("list")},
	Type: func(args []cty.Value) (cty.Type, error) {
		t := args[0].Type()
		switch {
		case t.IsListType() || t.IsSetType():
			return t.ElementType(), nil
		case t.IsTupleType() && t.Length() == 0, t == cty.DynamicPseudoType:
			return cty.DynamicPseudoType, nil
		case t.IsTupleType() && t.Length() == 1:
			return t.TupleElementType(0), nil
		}
		return cty.NilType, function.NewArgErrorf(0, "must be a list, set or tuple with one element or none")
	},
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		elements := args[0].AsValueSlice()
		switch len(elements) {
		case 0:
			return cty.NullVal(want), nil
		case 1:
			return elements[0], nil
		}
		return cty.UnknownVal(want), function.NewArgErrorf(0, "must have one element or none")
	},
})

var sumFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "list", Type: cty.List(cty.Number)}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		total := cty.Zero
		for _, v := range args[0].AsValueSlice() {
			if v.IsKnown() && v.IsNull() {
				return cty.UnknownVal(cty.Number), function.NewArgErrorf(0, "must not have null elements")
			}
			total = total.Add(v)
		}
		return total, nil
	},
})

// transposeFunc turns a map of lists of strings round.
var transposeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "values", Type: cty.Map(cty.List(cty.String))}},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, want cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(want), nil
		}
		turned := map[string][]cty.Value{}
		for it := args[0].ElementIterator(); it.Next(); {
			key, list := it.Element()
			if list.IsNull() {
				return cty.UnknownVal(want), function.NewArgErrorf(0, "must not have null elements")
			}
			for _, v := range list.AsValueSlice() {
				if v.IsNull() {
					return cty.UnknownVal(want), function.NewArgErrorf(0, "must not have null elements")
				}
				turned[v.AsString()] = append(turned[v.AsString()], key)
			}
		}
		if len(turned) == 0 {
			return cty.MapValEmpty(cty.List(cty.String)), nil
		}
		lists := make(map[string]cty.Value, len(turned))
		for key, list := range turned {
			lists[key] = cty.ListVal(list)
		}
		return cty.MapVal(lists), nil
	},
})

// zipMapFunc is the standard library's, which drops the marks of the keys: what
// has sensitive keys is sensitive as a whole.
var zipMapFunc = function.New(&function.Spec{
	Params: []function.Parameter{markedKeysParam, markedParam("values")},
	Type: func(args []cty.Value) (cty.Type, error) {
		keys, _ := args[0].UnmarkDeep()
		return stdlib.ZipmapFunc.ReturnTypeForValues([]cty.Value{keys, args[1]})
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		keys, marks := args[0].UnmarkDeep()
		v, err := stdlib.Zipmap(keys, args[1])
		if err != nil {
			return v, err
		}
		return v.WithMarks(marks), nil
	},
})

var markedKeysParam = function.Parameter{Name: "keys", Type: cty.List(cty.String), AllowMarked: true, AllowUnknown: true}
