package config

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/credsync/credsync/internal/inputtext"
	"github.com/credsync/credsync/schema/diag"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/text/unicode/norm"
)

// checkNormalForm refuses a literal that is not in normal form C: the parser would
// write it otherwise, and so send another password than the file has. Comments may
// be as they like.
func checkNormalForm(path string, src []byte) *diag.Diagnostic {
	if norm.NFC.IsNormal(src) && !bytes.Contains(src, []byte(`\u`)) && !bytes.Contains(src, []byte(`\U`)) {
		return nil
	}
	line := 0
	if strings.HasSuffix(path, ".json") {
		line = unstableJSON(src)
	} else {
		line = unstableLiteral(src)
	}
	if line == 0 {
		return nil
	}
	d := diag.Errorf("Text is not in Unicode normal form C", "Line %d of %s has a literal that %s.", line, path, inputtext.NotNormal)
	return &d
}

// unstableLiteral is the first line with a token, other than a comment, that the
// parser would alter; 0 for none.
func unstableLiteral(src []byte) int {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	for _, t := range tokens {
		text := t.Bytes
		switch t.Type {
		case hclsyntax.TokenComment:
			continue
		case hclsyntax.TokenQuotedLit:
			text = unescape(text)
		}
		if !norm.NFC.IsNormal(text) {
			return t.Range.Start.Line
		}
	}
	return 0
}

// unescape writes out the escapes of a quoted literal that stand for characters by
// their number. The others matter to nobody here.
func unescape(literal []byte) []byte {
	if !bytes.Contains(literal, []byte(`\`)) {
		return literal
	}
	var out []byte
	for i := 0; i < len(literal); i++ {
		if literal[i] != '\\' || i+1 == len(literal) {
			out = append(out, literal[i])
			continue
		}
		i++
		digits := map[byte]int{'u': 4, 'U': 8}[literal[i]]
		code, err := strconv.ParseUint(string(literal[i+1:min(i+1+digits, len(literal))]), 16, 32)
		if digits == 0 || err != nil {
			out = append(out, '\\', literal[i])
			continue
		}
		out = utf8.AppendRune(out, rune(code))
		i += digits
	}
	return out
}

// unstableJSON is unstableLiteral for JSON.
func unstableJSON(src []byte) int {
	for d := json.NewDecoder(bytes.NewReader(src)); ; {
		token, err := d.Token()
		if err != nil {
			return 0 // the parser says what is wrong
		}
		if s, ok := token.(string); ok && !norm.NFC.IsNormalString(s) {
			return 1 + bytes.Count(src[:d.InputOffset()], []byte("\n"))
		}
	}
}
