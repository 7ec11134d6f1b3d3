package config

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// What the parsers can nest. They recurse, and a stack that overflows ends
// the program, so whatever would nest deeper is refused unparsed.
const (
	maxDepth     = 200
	maxNegations = 100
	maxBranches  = 20000
)

const tooDeepSummary = "Too deeply nested"

var errDepth = fmt.Errorf("the brackets, operators or templates are nested more than %d deep", maxDepth)

func checkDepth(src []byte, isJSON bool) error {
	if isJSON {
		return jsonDepth(src)
	}
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	return tokenDepth(tokens)
}

func tokenDepth(tokens hclsyntax.Tokens) error {
	depth, negations, branches := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrace, hclsyntax.TokenOBrack,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrace, hclsyntax.TokenCBrack,
			hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth = max(0, depth-1)
		}
		switch t.Type {
		case hclsyntax.TokenBang, hclsyntax.TokenMinus:
			negations++
		default:
			negations = 0
		}
		if t.Type == hclsyntax.TokenQuestion || t.Type == hclsyntax.TokenTemplateControl {
			branches++
		}
		if depth > maxDepth || negations > maxNegations || branches > maxBranches {
			return errDepth
		}
	}
	return nil
}

// jsonDepth looks at the structure, and at the templates in the strings.
func jsonDepth(src []byte) error {
	depth, inString, start := 0, false, 0
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case inString && c == '\\':
			i++
		case inString && c == '"':
			inString = false
			if text := src[start:i]; bytes.ContainsAny(text, "{") {
				tokens, _ := hclsyntax.LexTemplate(text, "", hcl.InitialPos)
				if err := tokenDepth(tokens); err != nil {
					return err
				}
			}
		case inString:
		case c == '"':
			inString, start = true, i+1
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		}
		if depth > maxDepth {
			return errDepth
		}
	}
	return nil
}
