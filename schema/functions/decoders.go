package functions

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/credsync/credsync/internal/inputtext"
	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"go.yaml.in/yaml/v3"
)

const (
	errYAML      Refusal = "it is not valid YAML"
	errSurrogate Refusal = "the decoded text contains half of a character, a lone surrogate such as \"\\ud83d\"; write the whole character"
	errSemicolon Refusal = "its first line has semicolons and no commas: csvdecode needs values separated by commas; " +
		"save the table as \"CSV (comma delimited)\" in UTF-8, or, if no value contains either of the two, write " +
		"csvdecode(replace(…, \";\", \",\"))"
	errTabs Refusal = "its first line has tabs and no commas: csvdecode needs values separated by commas; " +
		"save the table as \"CSV (comma delimited)\" in UTF-8, or, if no value contains either of the two, write " +
		"csvdecode(replace(…, \"\\t\", \",\"))"
)

var (
	jsonDecodeFunc = textDecoder(stdlib.JSONDecodeFunc, checkJSON)
	yamlDecodeFunc = textDecoder(ctyyaml.YAMLDecodeFunc, checkYAML)
	csvDecodeFunc  = textDecoder(stdlib.CSVDecodeFunc, checkCSV)
)

// textDecoder is a decoder of a text to which check is put first, without its byte
// order mark; check returns the text to decode.
func textDecoder(f function.Function, check func(text string) (string, error)) function.Function {
	prepare := func(args []cty.Value) ([]cty.Value, error) {
		arg, _ := args[0].Unmark()
		if !arg.IsKnown() || arg.IsNull() {
			return args, nil
		}
		text, err := check(inputtext.WithoutBOM(arg.AsString()))
		if err != nil {
			return nil, err
		}
		return []cty.Value{cty.StringVal(text)}, nil
	}
	return function.New(&function.Spec{
		Params: f.Params(),
		Type: func(args []cty.Value) (cty.Type, error) {
			args, err := prepare(args)
			if err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			args, err := prepare(args)
			if err != nil {
				return cty.NilVal, err
			}
			return f.Call(args)
		},
	})
}

// checkJSON looks into the strings, where escapes can write what the text itself
// has not.
func checkJSON(text string) (string, error) {
	if err := checkJSONSize(text); err != nil {
		return "", err
	}
	if !strings.Contains(text, `\u`) {
		return text, nil
	}
	whole := !strings.ContainsRune(text, '\ufffd') && !strings.Contains(strings.ToLower(text), `\ufffd`)
	for d := json.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			return text, nil // the decoder says what is wrong
		}
		s, ok := token.(string)
		switch {
		case !ok:
		case inputtext.Check(s) != nil:
			return "", decodedRefusal(inputtext.Check(s))
		case whole && strings.ContainsRune(s, '\ufffd'):
			return "", errSurrogate
		}
	}
}

// checkYAML follows the aliases, each of which stands for a copy.
func checkYAML(text string) (string, error) {
	var document yaml.Node
	if yaml.Unmarshal([]byte(text), &document) != nil {
		return "", errYAML // its own error quotes the text
	}
	if _, err := expandedNodes(&document, map[*yaml.Node]int{}, 0); err != nil {
		return "", err
	}
	return text, checkScalars(&document)
}

// checkScalars looks at the texts of a document, each once.
func checkScalars(n *yaml.Node) error {
	if err := inputtext.Check(n.Value); err != nil {
		return decodedRefusal(err)
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 && numeral().MatchString(n.Value) {
		if err := checkJSONSize(n.Value); err != nil {
			return err
		}
	}
	for _, child := range n.Content {
		if err := checkScalars(child); err != nil {
			return err
		}
	}
	return nil
}

// numeral is what can be read as a number.
var numeral = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[-+]?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?$`)
})

// checkCSV refuses the tables of spreadsheets that have something else than
// commas between the values, which would be one column of everything. Lines that
// end in carriage returns only are lines.
func checkCSV(text string) (string, error) {
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	first, _, _ := strings.Cut(text, "\n")
	switch {
	case strings.Contains(first, ","):
	case strings.Contains(first, ";"):
		return "", errSemicolon
	case strings.Contains(first, "\t"):
		return "", errTabs
	}
	return text, nil
}
