package schema

import (
	"bytes"
	"encoding/pem"
	"strings"
	"unicode"

	"github.com/zclconf/go-cty/cty"
)

// TextKind says what a sensitive text is like, and so what cannot be meant in it.
type TextKind int

const (
	// OneLine is a password, a token, a name: it is sent as it is, all of it. A text
	// is one unless its row says otherwise.
	OneLine TextKind = iota
	// Document is PEM, base64, a file of keys: its reader skips line breaks and spaces.
	Document
	// OneLineOrPEM is either: a description of an upstream says of a text that it is
	// sensitive, and not whether it is a password or a key. A text that is PEM is not meant
	// to be one line.
	OneLineOrPEM
)

// TextFault is what is wrong with a sensitive text on its way into a login.
type TextFault int

// The faults of a text, the worst first.
const (
	NoTextFault TextFault = iota
	EmptyText
	ReplacedCharacter
	LeadingMark
	EndingLineBreak
	InnerLineBreak
	// SurroundingSpace may be meant: it is a cause for a warning only.
	SurroundingSpace
)

// lineBreaks are the characters that break lines, in whatever encoding came before.
const lineBreaks = "\n\r\v\f\u0085\u2028\u2029"

// FaultOfText looks at a text that is to be sent as it is.
func FaultOfText(s string) TextFault {
	ends := strings.TrimRight(s, "\r\n")
	switch {
	case s == "":
		return EmptyText
	case strings.ContainsRune(s, unicode.ReplacementChar):
		return ReplacedCharacter
	case strings.HasPrefix(s, "\ufeff"):
		return LeadingMark
	case strings.ContainsAny(ends, lineBreaks):
		return InnerLineBreak
	case len(ends) < len(s):
		return EndingLineBreak
	case strings.TrimFunc(s, isBlank) != s:
		return SurroundingSpace
	}
	return NoTextFault
}

// isBlank reports whether nobody sees a character at the end of a text.
func isBlank(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("\u200b\u200c\u200d\u2060\ufeff", r)
}

// String says what is wrong, in words that follow the name of the text.
func (f TextFault) String() string {
	switch f {
	case EmptyText:
		return "is empty"
	case ReplacedCharacter:
		return "contains U+FFFD, the replacement for a character that could not be decoded: the original is lost"
	case LeadingMark:
		return "begins with a byte order mark (U+FEFF), which would be sent as part of it"
	case EndingLineBreak:
		return "ends in a line break, which would be sent as part of it"
	case InnerLineBreak:
		return "contains a line break, which would be sent as part of it"
	case SurroundingSpace:
		return "begins or ends with a space or an invisible character, which is sent as part of it"
	}
	return "is valid"
}

// TextFault returns what is wrong with a value of the row, which is known and not
// null. Its row need not say anything for a value to be looked at.
func (a *Attribute) TextFault(v cty.Value) TextFault {
	if !a.Sensitive {
		return NoTextFault
	}
	t := v.Type()
	switch {
	case t == cty.String:
		return a.faultOf(v)
	case (t.IsMapType() || t.IsListType() || t.IsSetType()) && t.ElementType() == cty.String:
		for it := v.ElementIterator(); it.Next(); {
			if _, e := it.Element(); !e.IsNull() {
				if f := a.faultOf(e); f != NoTextFault {
					return f
				}
			}
		}
	}
	return NoTextFault
}

func (a *Attribute) faultOf(v cty.Value) TextFault {
	f := FaultOfText(v.AsString())
	document := a.Text == Document || a.Text == OneLineOrPEM && isPEM(v.AsString())
	if f == EmptyText && a.MayBeEmpty || f != EmptyText && document {
		return NoTextFault
	}
	return f
}

// isPEM reports whether a text is whole PEM blocks and nothing else.
func isPEM(s string) bool {
	rest, found := []byte(s), false
	for len(bytes.TrimSpace(rest)) > 0 {
		before := rest
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return false
		}
		if !bytes.HasPrefix(bytes.TrimSpace(before), []byte("-----BEGIN")) {
			return false
		}
		found = true
	}
	return found
}
