package functions

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

func stringParam(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.String}
}

// textFunc is a function from text to text that cannot fail.
func textFunc(f func([]byte) string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{stringParam("str")},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.StringVal(f([]byte(args[0].AsString()))), nil
		},
	})
}

// predicateFunc is a question about a text and a part of it.
func predicateFunc(part string, f func(s, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{stringParam("str"), stringParam(part)},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

var (
	startsWithFunc  = predicateFunc("prefix", strings.HasPrefix)
	endsWithFunc    = predicateFunc("suffix", strings.HasSuffix)
	strContainsFunc = predicateFunc("substr", strings.Contains)
)

// replaceFunc replaces text, or a regular expression where the second argument
// stands between slashes, as Terraform has it.
var replaceFunc = function.New(&function.Spec{
	Params: []function.Parameter{stringParam("str"), stringParam("substr"), stringParam("replace")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		pattern := args[1].AsString()
		if len(pattern) < 2 || pattern[0] != '/' || pattern[len(pattern)-1] != '/' {
			return stdlib.Replace(args[0], args[1], args[2])
		}
		re, err := regexp.Compile(pattern[1 : len(pattern)-1])
		if err != nil {
			return cty.UnknownVal(cty.String), function.NewArgErrorf(1, "not a valid regular expression")
		}
		return cty.StringVal(re.ReplaceAllString(args[0].AsString(), args[2].AsString())), nil
	},
})

var errTimestamp = errors.New("a timestamp must be in the form of RFC 3339, such as \"2006-01-02T15:04:05Z\"")

var timeCmpFunc = function.New(&function.Spec{
	Params: []function.Parameter{stringParam("timestamp_a"), stringParam("timestamp_b")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var times [2]time.Time
		for i := range times {
			t, err := time.Parse(time.RFC3339, args[i].AsString())
			if err != nil {
				return cty.UnknownVal(cty.Number), function.NewArgError(i, errTimestamp)
			}
			times[i] = t
		}
		return cty.NumberIntVal(int64(times[0].Compare(times[1]))), nil
	},
})
