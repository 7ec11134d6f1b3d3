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

// pieceLength is the length of a piece of a secret that counts as the secret: less
// of it may be chance, and more would let half a password through.
const pieceLength = 6

// ContainsSecret reports whether a text has a piece of one of the secrets in it, plain
// or in a usual encoding, in whatever letter case.
func ContainsSecret(text string, secrets ...credential.Secret) bool {
	return text != "" && newPieceFinder(secrets).foundIn(text)
}

// pieceFinder finds pieces of secrets in texts. Making one takes longer than many
// searches with it.
type pieceFinder struct {
	secrets []credential.Secret
	// pieces are in lower case, by their length.
	pieces map[int]map[string]struct{}
	// prefixes has a bit for what pieces may begin with: most places of a text
	// need not be looked up at all. Without it a search takes 16 times as long.
	prefixes [1 << 16 / 64]uint64
	// short says that there are pieces without a head.
	short bool
}

func newPieceFinder(secrets []credential.Secret) *pieceFinder {
	f := &pieceFinder{secrets: secrets, pieces: make(map[int]map[string]struct{})}
	for _, s := range secrets {
		if s.IsZero() {
			continue
		}
		for _, form := range encodingsOf(s.Reveal()) {
			f.add(form)
		}
	}
	return f
}

func (f *pieceFinder) add(of encodedSecret) {
	text := strings.ToLower(of.text)
	n := min(of.piece, len(text))
	if n == 0 {
		return
	}
	f.short = f.short || n < prefixLength
	if f.pieces[n] == nil {
		f.pieces[n] = make(map[string]struct{})
	}
	for i := 0; i+n <= len(text); i++ {
		f.pieces[n][text[i:i+n]] = struct{}{}
		if n >= prefixLength {
			h := prefixHash(text[i:])
			f.prefixes[h/64] |= 1 << (h % 64)
		}
	}
}

// foundIn reports whether a text has a piece in it, in whatever letter case.
func (f *pieceFinder) foundIn(text string) bool {
	text = strings.ToLower(text)
	for i := range len(text) {
		if (f.short || f.mayBeginWithPiece(text[i:])) && f.hasPieceAt(text, i) {
			return true
		}
	}
	return false
}

// hasPieceAt reports whether a piece stands at a place of a text, and not merely inside
// a word that messages are made of anyway.
func (f *pieceFinder) hasPieceAt(text string, at int) bool {
	for n, pieces := range f.pieces {
		if at+n > len(text) {
			continue
		}
		if _, ok := pieces[text[at:at+n]]; ok && !insideCommonWord(text, at, at+n) {
			return true
		}
	}
	return false
}

// mayBeginWithPiece is false where a text begins with no piece that has a head.
func (f *pieceFinder) mayBeginWithPiece(text string) bool {
	if len(text) < prefixLength {
		return false
	}
	h := prefixHash(text)
	return f.prefixes[h/64]&(1<<(h%64)) != 0
}

// prefixLength is how many bytes make the head of a piece.
const prefixLength = 3

// prefixHash is a number for the first bytes of a text, by Knuth's multiplication.
func prefixHash(s string) uint16 {
	return uint16((uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16) * 2654435761 >> 16)
}

// searchesFor reports whether these are the secrets that f looks for.
func (f *pieceFinder) searchesFor(secrets []credential.Secret) bool {
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

// escapedBytes is s with each of its bytes written out, such as %70.
func escapedBytes(s, format string) string {
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

// encodedSecret is a secret in an encoding, and how many characters of that are a piece.
type encodedSecret struct {
	text  string
	piece int
}

// encodingsOf are the usual encodings of a secret.
func encodingsOf(secret string) []encodedSecret {
	b := []byte(secret)
	forms := []encodedSecret{
		{
			secret,
			pieceLength,
		}, {reversed(secret), pieceLength}, {url.QueryEscape(secret), pieceLength},
		{url.PathEscape(secret), pieceLength},
		{hex.EncodeToString(b), pieceLength}, {jsonEscaped(secret), pieceLength},
		{
			escapedBytes(secret, "%%%02x"),
			3 * pieceLength,
		}, {escapedBytes(secret, `\x%02x`), 4 * pieceLength}, {escapedBytes(secret, `\u%04x`), 6 * pieceLength},
	}
	// What base64 makes of a secret depends on how much stands before it, such
	// as a user's name. Only characters that the secret alone decides count.
	for offset := range 3 {
		behind := append(make([]byte, offset), b...)
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(behind)
			forms = append(forms, encodedSecret{text[(offset*8+5)/6 : len(behind)*8/6], pieceLength})
		}
	}
	// The remains of a short secret, other than as it is, turn up by chance.
	return slices.DeleteFunc(forms, func(f encodedSecret) bool { return f.text != secret && len(f.text) < f.piece })
}
