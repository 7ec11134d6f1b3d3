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
	return text != "" && newFinder(secrets).in(text)
}

// finder finds pieces of secrets in texts. Making one takes longer than many
// searches with it.
type finder struct {
	secrets []credential.Secret
	// pieces are in lower case, by their length.
	pieces map[int]map[string]struct{}
}

func newFinder(secrets []credential.Secret) *finder {
	f := &finder{secrets: secrets, pieces: make(map[int]map[string]struct{})}
	for _, s := range secrets {
		if s.IsZero() {
			continue
		}
		for _, form := range formsOf(s.Reveal()) {
			f.add(form)
		}
	}
	return f
}

func (f *finder) add(of form) {
	text := strings.ToLower(of.text)
	n := min(of.piece, len(text))
	if n == 0 {
		return
	}
	if f.pieces[n] == nil {
		f.pieces[n] = make(map[string]struct{})
	}
	for i := 0; i+n <= len(text); i++ {
		f.pieces[n][text[i:i+n]] = struct{}{}
	}
}

// in reports whether a text has a piece in it, in whatever letter case.
func (f *finder) in(text string) bool {
	text = strings.ToLower(text)
	for n, pieces := range f.pieces {
		for i := 0; i+n <= len(text); i++ {
			if _, ok := pieces[text[i:i+n]]; ok {
				return true
			}
		}
	}
	return false
}

// finds reports whether these are the secrets that f looks for.
func (f *finder) finds(secrets []credential.Secret) bool {
	return slices.EqualFunc(f.secrets, secrets, credential.Secret.Equal)
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
