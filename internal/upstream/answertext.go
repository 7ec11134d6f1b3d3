package upstream

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// decodeText returns an answer's text in UTF-8, without a byte order mark. What is
// not valid in the charset that the answer names is left as it came: whoever reads
// a piece of it finds that out, and the pieces beside it may be good.
//
// Text that is valid UTF-8 is that, whatever the answer says: JSON is always (RFC
// 8259, section 8.1), and servers that name another charset by habit are common.
func decodeText(body []byte, charset string) []byte {
	for mark, e := range map[string]encoding.Encoding{
		"\xef\xbb\xbf": nil,
		"\xff\xfe":     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
		"\xfe\xff":     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	} {
		rest, marked := bytes.CutPrefix(body, []byte(mark))
		switch {
		case !marked:
		case e == nil:
			return rest
		default:
			return decodedBy(e, rest, body)
		}
	}
	if charset == "" || utf8.Valid(body) && bytes.IndexByte(body, 0) < 0 {
		return body
	}
	e, err := htmlindex.Get(charset)
	if err != nil {
		return body
	}
	return decodedBy(e, body, body)
}

// decodedBy returns text decoded, or otherwise where it is not valid.
func decodedBy(e encoding.Encoding, text, otherwise []byte) []byte {
	decoded, err := e.NewDecoder().Bytes(text)
	if err != nil || bytes.ContainsRune(decoded, utf8.RuneError) {
		return otherwise
	}
	return decoded
}
