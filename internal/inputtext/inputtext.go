// Package inputtext is the one way in which text from files, tables and decoders
// enters: one byte order mark is dropped, and what is not UTF-8 in normal form C is
// refused. The expression language would alter such text without a word, and a
// password that was altered is rejected by the upstream.
package inputtext

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// BOM is the byte order mark that editors and spreadsheets put before text.
const BOM = "\ufeff"

// Fault is what is wrong with a text. Its words quote nothing of it, and can follow
// the name of what it came from.
type Fault string

func (f Fault) Error() string { return string(f) }

// The faults of a text.
const (
	UTF16     Fault = "is UTF-16 text; save it as UTF-8"
	NotUTF8   Fault = "is not UTF-8 text; save it as UTF-8, or convert it, such as with \"iconv -f WINDOWS-1251 -t UTF-8\""
	NotNormal Fault = "is not in Unicode normal form C: it has a letter written as two characters, so it could not be sent " +
		"unchanged; type it again instead of pasting it, or convert it with \"uconv -x any-nfc\""
)

// Decode returns the text of bytes, without the byte order mark.
func Decode(b []byte) (string, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe")), bytes.HasPrefix(b, []byte("\xfe\xff")):
		return "", UTF16
	case !utf8.Valid(b):
		return "", NotUTF8
	}
	text := WithoutBOM(string(b))
	if !norm.NFC.IsNormalString(text) {
		return "", NotNormal
	}
	return text, nil
}

// Check returns what is wrong with a text that is taken as it is; nil for nothing.
func Check(text string) error {
	switch {
	case !utf8.ValidString(text):
		return NotUTF8
	case !norm.NFC.IsNormalString(text):
		return NotNormal
	}
	return nil
}

// WithoutBOM returns a text without the byte order mark that it begins with. Of
// several only the first is one.
func WithoutBOM(text string) string { return strings.TrimPrefix(text, BOM) }
