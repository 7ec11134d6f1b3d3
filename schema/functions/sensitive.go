package functions

import (
	"fmt"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

type markType string

// Sensitive is the mark of a value that must not be shown.
const Sensitive markType = "sensitive"

// GoString keeps the mark out of what %#v prints.
func (m markType) GoString() string { return "functions.Sensitive" }

// markedParam takes any value as it is, with its marks.
func markedParam(name string) function.Parameter {
	return function.Parameter{
		Name: name, Type: cty.DynamicPseudoType,
		AllowNull: true, AllowUnknown: true, AllowMarked: true, AllowDynamicType: true,
	}
}

func sameType(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil }

var sensitiveFunc = function.New(&function.Spec{
	Description: "The value, marked as sensitive.",
	Params:      []function.Parameter{markedParam("value")},
	Type:        sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return args[0].Mark(Sensitive), nil
	},
})

var nonsensitiveFunc = function.New(&function.Spec{
	Description: "The value without the marking as sensitive, for one that is known not to be secret.",
	Params:      []function.Parameter{markedParam("value")},
	Type:        sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marked := args[0].UnmarkDeepWithPaths()
		return v.MarkWithPaths(stayingMarks(marked)), nil
	},
})

// stayingMarks are the marks that say something other than that a value is a secret: their
// types have a method StaysMarked.
func stayingMarks(marked []cty.PathValueMarks) []cty.PathValueMarks {
	var stay []cty.PathValueMarks
	for _, at := range marked {
		marks := cty.ValueMarks{}
		for m := range at.Marks {
			if _, ok := m.(interface{ StaysMarked() }); ok {
				marks[m] = struct{}{}
			}
		}
		if len(marks) > 0 {
			stay = append(stay, cty.PathValueMarks{Path: at.Path, Marks: marks})
		}
	}
	return stay
}

var isSensitiveFunc = function.New(&function.Spec{
	Description: "Whether a value is marked as sensitive.",
	Params:      []function.Parameter{markedParam("value")},
	Type:        function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.BoolVal(args[0].HasMark(Sensitive)), nil
	},
})

// envFunc reads an environment variable. One that is not set is an error:
// an empty password would be sent to the upstream as a login attempt.
func envFunc(o Options) function.Function {
	return function.New(&function.Spec{
		Description: "The value of an environment variable, which is sensitive. One that is not set, or is empty, is an error.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name := args[0].AsString()
			value := ""
			if o.Getenv != nil {
				value = o.Getenv(name)
			}
			if value == "" && o.MissingUnknown {
				return cty.UnknownVal(cty.String).Mark(Sensitive), nil
			}
			if value == "" {
				state, advice := "is not set or empty", "set it"
				switch {
				case o.EnvIsSet == nil:
				case o.EnvIsSet(name):
					state, advice = "is set, but empty", "give it a value"
				default:
					state = "is not set"
				}
				return cty.UnknownVal(cty.String), fmt.Errorf("the environment variable %s %s; %s, or write try(env(%q), \"…\") to give a default", name, state, advice, name)
			}
			if err := inputtext.Check(value); err != nil {
				return cty.UnknownVal(cty.String), fmt.Errorf("the value of the environment variable %s %w", name, err)
			}
			return cty.StringVal(value).Mark(Sensitive), nil
		},
	})
}
