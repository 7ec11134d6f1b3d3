// Package redact keeps what servers say from being shown where it repeats a
// secret that they were sent.
package redact

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
	// heads has a bit for what pieces may begin with: most places of a text
	// need not be looked up at all.
	heads [1 << 16 / 64]uint64
	// short says that there are pieces without a head.
	short bool
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
	f.short = f.short || n < headLength
	if f.pieces[n] == nil {
		f.pieces[n] = make(map[string]struct{})
	}
	for i := 0; i+n <= len(text); i++ {
		f.pieces[n][text[i:i+n]] = struct{}{}
		if n >= headLength {
			h := head(text[i:])
			f.heads[h/64] |= 1 << (h % 64)
		}
	}
}

// in reports whether a text has a piece in it, in whatever letter case.
func (f *finder) in(text string) bool {
	text = strings.ToLower(text)
	for i := range len(text) {
		if (f.short || f.mayBegin(text[i:])) && f.begins(text[i:]) {
			return true
		}
	}
	return false
}

// begins reports whether a text begins with a piece.
func (f *finder) begins(text string) bool {
	for n, pieces := range f.pieces {
		if n > len(text) {
			continue
		}
		if _, ok := pieces[text[:n]]; ok {
			return true
		}
	}
	return false
}

// mayBegin is false where a text begins with no piece that has a head.
func (f *finder) mayBegin(text string) bool {
	if len(text) < headLength {
		return false
	}
	h := head(text)
	return f.heads[h/64]&(1<<(h%64)) != 0
}

// headLength is how many bytes make the head of a piece.
const headLength = 3

// head is a number for the first bytes of a text, by Knuth's multiplication.
func head(s string) uint16 {
	return uint16((uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16) * 2654435761 >> 16)
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
