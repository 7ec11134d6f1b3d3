package functions

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// RequestTable returns the functions of expressions that are evaluated when a request is
// sent: those that look at nothing but their arguments, those of RequestTimeNames and those
// of AnswerNames. None of them reads a file or the environment. now is what timestamp and
// unixtime tell, and random is what uuid is made of; signatures and encryption always take
// the system's random numbers. A caller that evaluates several expressions of one request
// gives them one now.
func RequestTable(now func() time.Time, random io.Reader) map[string]function.Function {
	all := pureFunctions()
	maps.Copy(all, requestTimeFunctions(now, random))
	maps.Copy(all, answerFunctions())
	return all
}

// RequestTimeNames are the functions whose values differ from one request to the next, in
// order. They are in RequestTable alone.
func RequestTimeNames() []string {
	return slices.Sorted(maps.Keys(requestTimeFunctions(nil, nil)))
}

// AnswerNames are the functions about what an upstream answers, in order. They are in
// RequestTable alone.
func AnswerNames() []string { return slices.Sorted(maps.Keys(answerFunctions())) }

func answerFunctions() map[string]function.Function {
	return map[string]function.Function{"optional": optionalFunc}
}

// ImpureNames are the functions that read files or the environment, in order. They are in
// Table alone.
func ImpureNames() []string { return slices.Sorted(maps.Keys(impureFunctions(Options{}))) }

// OwnNames are the functions of Table that Terraform does not have, in order.
func OwnNames() []string {
	return []string{"base64hmacsha256", "base64urlencode", "env", "hmacsha1", "hmacsha256", "jwtclaims"}
}

func requestTimeFunctions(now func() time.Time, random io.Reader) map[string]function.Function {
	return map[string]function.Function{
		"jwtsign":    jwtSignFunc,
		"rsaencrypt": rsaEncryptFunc,
		"timestamp":  timestampFunc(now),
		"unixtime":   unixTimeFunc(now),
		"uuid":       uuidFunc(random),
	}
}

func timestampFunc(now func() time.Time) function.Function {
	return function.New(&function.Spec{
		Description: "The time of the request in UTC, in the form of RFC 3339.",
		Type:        function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			return cty.StringVal(now().UTC().Format(time.RFC3339)), nil
		},
	})
}

func unixTimeFunc(now func() time.Time) function.Function {
	return function.New(&function.Spec{
		Description: "The time of the request as the number of seconds since 1970, as the claims of a JWT have it.",
		Type:        function.StaticReturnType(cty.Number),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			return cty.NumberIntVal(now().Unix()), nil
		},
	})
}

// uuidFunc makes a UUID of version 4 (RFC 9562, section 5.4).
func uuidFunc(random io.Reader) function.Function {
	return function.New(&function.Spec{
		Description: "A random UUID (version 4), another one at each call.",
		Type:        function.StaticReturnType(cty.String),
		Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
			var b [16]byte
			if _, err := io.ReadFull(random, b[:]); err != nil {
				return cty.UnknownVal(cty.String), err
			}
			b[6] = b[6]&0x0f | 0x40
			b[8] = b[8]&0x3f | 0x80
			return cty.StringVal(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])), nil
		},
	})
}

// secretResult is a function whose result is sensitive whatever its arguments are, one that
// is not known yet included.
func secretResult(spec *function.Spec) function.Function {
	f := function.New(spec)
	anything := func(p function.Parameter) function.Parameter {
		p.AllowUnknown, p.AllowMarked, p.AllowDynamicType = true, true, true
		return p
	}
	open := &function.Spec{
		Description: spec.Description,
		Type:        f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err != nil {
				v = cty.DynamicVal
			}
			return v.Mark(Sensitive), err
		},
	}
	for _, p := range spec.Params {
		open.Params = append(open.Params, anything(p))
	}
	if spec.VarParam != nil {
		rest := anything(*spec.VarParam)
		open.VarParam = &rest
	}
	return function.New(open)
}
