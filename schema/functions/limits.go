package functions

import (
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"go.yaml.in/yaml/v3"
)

// A few functions can make very much of very little in one step. They are asked
// how much it would be before they make it.
const (
	// maxText is the most that such a function may give, in bytes.
	maxText = 64 << 20
	// maxElements is the most elements that one may give.
	maxElements = 1 << 20
	// maxNesting is how deep what is decoded may be.
	maxNesting = 200
	// maxDigits is the most digits that a number that is decoded may have, and
	// maxExponent the most that its exponent may.
	maxDigits, maxExponent = 1000, 4
)

// Refusal is an error of a function that quotes nothing it was given, so that it
// can be shown whatever that was.
type Refusal string

func (r Refusal) Error() string { return string(r) }

const (
	errText     Refusal = "the result would be larger than 64 MiB"
	errElements Refusal = "the result would have more than 1048576 elements"
	errNesting  Refusal = "it is nested more than 200 deep"
	errClosing  Refusal = "it is not valid JSON: a bracket closes that was not opened"
	errNumber   Refusal = "it contains a number with more than 1000 digits, or with an exponent beyond 9999"
)

// bounded is a function with a check of its arguments, which are known and
// have no marks, before it is called.
func bounded(f function.Function, check func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := checkKnown(args, check); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		// The type of a result is always asked for first, of the same arguments.
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

func checkKnown(args []cty.Value, check func([]cty.Value) error) error {
	bare := make([]cty.Value, len(args))
	for i, arg := range args {
		bare[i], _ = arg.UnmarkDeep()
		if !bare[i].IsWhollyKnown() || bare[i].IsNull() {
			return nil
		}
	}
	return check(bare)
}

var (
	setProductFunc     = bounded(stdlib.SetProductFunc, checkProduct)
	indentFunc         = bounded(stdlib.IndentFunc, checkIndent)
	joinFunc           = bounded(stdlib.JoinFunc, checkJoin)
	boundedReplaceFunc = bounded(replaceFunc, checkReplace)
	toNumberFunc       = bounded(stdlib.MakeToFunc(cty.Number), checkNumeral)
)

func checkProduct(args []cty.Value) error {
	n := 1
	for _, arg := range args {
		if !arg.CanIterateElements() {
			return nil // the function says so
		}
		n *= max(1, arg.LengthInt())
		if n > maxElements {
			return errElements
		}
	}
	return nil
}

func checkIndent(args []cty.Value) error {
	spaces, _ := args[0].AsBigFloat().Float64()
	if spaces*float64(1+strings.Count(args[1].AsString(), "\n")) > maxText {
		return errText
	}
	return nil
}

func checkJoin(args []cty.Value) error {
	size := 0
	for _, list := range args[1:] {
		for it := list.ElementIterator(); it.Next(); {
			if _, v := it.Element(); !v.IsNull() {
				size += len(args[0].AsString()) + len(v.AsString())
			}
			if size > maxText {
				return errText
			}
		}
	}
	return nil
}

// checkReplace reckons with the most that a replacement can come to. By a
// regular expression each "$" can repeat all that was found.
func checkReplace(args []cty.Value) error {
	text, old, put := args[0].AsString(), args[1].AsString(), args[2].AsString()
	size := len(text) + strings.Count(text, old)*len(put)
	if strings.HasPrefix(old, "/") {
		size = len(text)*(1+strings.Count(put, "$")) + (utf8.RuneCountInString(text)+1)*len(put)
	}
	if size > maxText {
		return errText
	}
	return nil
}

func checkNumeral(args []cty.Value) error {
	if args[0].Type() != cty.String || !numeral().MatchString(args[0].AsString()) {
		return nil
	}
	return checkJSONSize(args[0].AsString())
}

// checkJSONSize looks at what is small in JSON and large in memory: the decoder calls
// itself for each level, and a number is written without an exponent.
func checkJSONSize(text string) error {
	depth, digits, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		number := digits > 0
		digits++
		if c < '0' || c > '9' || quoted {
			digits = 0
		}
		switch {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > maxNesting {
				return errNesting
			}
		case c == ']' || c == '}':
			// The decoder takes such an end for the end of the text.
			if depth--; depth < 0 {
				return errClosing
			}
		case digits > maxDigits, number && (c == 'e' || c == 'E') && immense(text[i+1:]):
			return errNumber
		}
	}
	return nil
}

// immense reports whether a text begins with an exponent that is too large.
func immense(exponent string) bool {
	exponent = strings.TrimLeft(strings.TrimLeft(exponent, "+-"), "0")
	return len(exponent)-len(strings.TrimLeft(exponent, "0123456789")) > maxExponent
}

// expandedNodes counts the nodes below one. known has the counts of those that
// aliases stand for, so that each is counted once.
func expandedNodes(n *yaml.Node, known map[*yaml.Node]int, depth int) (int, error) {
	if depth > maxNesting {
		return 0, errNesting
	}
	if count, ok := known[n]; ok {
		return count, nil
	}
	count := 1
	children := n.Content
	if n.Kind == yaml.AliasNode {
		children = []*yaml.Node{n.Alias}
	}
	for _, child := range children {
		below, err := expandedNodes(child, known, depth+1)
		if err != nil {
			return 0, err
		}
		if count += below; count > maxElements {
			return 0, errElements
		}
	}
	known[n] = count
	return count, nil
}
