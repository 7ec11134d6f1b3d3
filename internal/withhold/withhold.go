// Package withhold keeps what servers say from being shown where it repeats a
// secret that they were sent.
package withhold

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
)

// window is the length of a piece of a secret that counts as the secret: less
// of it may be chance, and more would let half a password through.
const window = 6

// Repeats reports whether a text has a piece of one of the secrets in it, plain
// or in a usual encoding, in whatever letter case.
func Repeats(text string, secrets ...credential.Secret) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(secrets, func(s credential.Secret) bool { return repeats(text, s.Reveal()) })
}

// repeats reports whether text, in lower case, has a piece of the secret.
func repeats(text, secret string) bool {
	if secret == "" || text == "" {
		return false
	}
	for _, f := range formsOf(secret) {
		f.text = strings.ToLower(f.text)
		n := min(f.piece, len(f.text))
		for i := 0; n > 0 && i+n <= len(f.text); i++ {
			if strings.Contains(text, f.text[i:i+n]) {
				return true
			}
		}
	}
	return false
}

// jsonEscaped is s as it stands between the quotes of a JSON string, such as
// an echoed request has it.
func jsonEscaped(s string) string {
	quoted, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(quoted[1 : len(quoted)-1])
}

// spelled is s with each of its bytes written out, such as %70.
func spelled(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// form is a secret in an encoding, and how many characters of that are a piece.
type form struct {
	text  string
	piece int
}

// formsOf are the usual encodings of a secret.
func formsOf(secret string) []form {
	b := []byte(secret)
	forms := []form{
		{secret, window}, {reversed(secret), window}, {url.QueryEscape(secret), window}, {url.PathEscape(secret), window},
		{hex.EncodeToString(b), window}, {jsonEscaped(secret), window},
		{spelled(secret, "%%%02x"), 3 * window}, {spelled(secret, `\x%02x`), 4 * window}, {spelled(secret, `\u%04x`), 6 * window},
	}
	// What base64 makes of a secret depends on how much stands before it, such
	// as a user's name. Only characters that the secret alone decides count.
	for offset := range 3 {
		behind := append(make([]byte, offset), b...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(behind)
			forms = append(forms, form{text[(offset*8+5)/6 : len(behind)*8/6], window})
		}
	}
	// The remains of a short secret, other than as it is, turn up by chance.
	return slices.DeleteFunc(forms, func(f form) bool { return f.text != secret && len(f.text) < f.piece })
}
