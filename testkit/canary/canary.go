// Package canary makes secrets that can be told apart from anything else, and
// searches for them in whatever form they may have come out: as they are,
// encoded, escaped, reversed, and in pieces.
package canary

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode/utf16"
)

// pieceLength is how many bytes of a secret count as the secret.
const pieceLength = 8

// Set holds secrets by the name of the place where they enter. It is safe
// for concurrent use.
type Set struct {
	mu      sync.Mutex
	secrets map[string]string
	// windows are the pieces to look for, by their length.
	windows map[int]map[string]found
	// ignored are pieces that stand in public text too.
	ignored map[string]bool
}

type found struct{ name, form string }

// New returns an empty aviary.
func New() *Set {
	return &Set{secrets: map[string]string{}, windows: map[int]map[string]found{}, ignored: map[string]bool{}}
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ23456789"
	digits  = "0123456789"
)

// Secret returns the secret of that name, made when it is first asked for:
// letters and digits between which stand characters that encodings treat each
// in its own way. No two secrets have a piece in common.
func (a *Set) Secret(name string) string {
	return a.make(name, func() string {
		s := random(letters, 8)
		for _, special := range []string{"+", "/", " ", `"`, "<", "é"} {
			s += special + random(letters, 4)
		}
		return s + random(letters, 6)
	})
}

// Word returns one of letters and digits only, for places that take no more.
func (a *Set) Word(name string) string {
	return a.make(name, func() string { return random(letters, 32) })
}

// Digits returns one of n digits, behind a prefix of its own. All but one of
// them count as the secret, since fewer turn up anywhere.
func (a *Set) Digits(name, prefix string, n int) string {
	return a.make(name, func() string { return prefix + random(digits, n) })
}

// Hex returns one of n hexadecimal digits.
func (a *Set) Hex(name string, n int) string {
	return a.make(name, func() string { return random("0123456789abcdef", n) })
}

func (a *Set) make(name string, value func() string) string {
	a.mu.Lock()
	s, ok := a.secrets[name]
	a.mu.Unlock()
	if !ok {
		s = value()
		a.Add(name, s)
	}
	return s
}

// Add has a secret searched for that was made elsewhere, such as a token that
// an upstream handed out. Those shorter than a piece are searched for whole.
func (a *Set) Add(name, secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.secrets[name] = secret
	for _, f := range encodingsOf(secret) {
		if strings.Trim(secret, digits) == "" && f.window == pieceLength {
			f.window = max(pieceLength, len(secret)-1)
		}
		a.cut(name, f)
	}
}

// Public has pieces of a text not count as secret: a certificate holds the
// public part of its key.
func (a *Set) Public(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range encodingsOf(text) {
		for i := 0; i+f.window <= len(f.text); i++ {
			a.ignored[f.text[i:i+f.window]] = true
		}
	}
}

// Names returns the names of all secrets, in order.
func (a *Set) Names() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var names []string
	for name := range a.secrets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Values returns all secrets, by name.
func (a *Set) Values() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	values := make(map[string]string, len(a.secrets))
	for name, secret := range a.secrets {
		values[name] = secret
	}
	return values
}

func (a *Set) cut(name string, f encodedSecret) {
	n := min(f.window, len(f.text))
	if n == 0 {
		return
	}
	if a.windows[n] == nil {
		a.windows[n] = map[string]found{}
	}
	for i := 0; i+n <= len(f.text); i++ {
		a.windows[n][f.text[i:i+n]] = found{name, f.name}
	}
}

// encodedSecret is a secret as it may be written, and how much of that gives away as much
// as a piece.
type encodedSecret struct {
	name, text string
	window     int
}

// encodingsOf are the ways in which a secret may be written.
func encodingsOf(s string) []encodedSecret {
	list := []encodedSecret{
		{"as it is", s, pieceLength},
		{"reversed", reversed(s), pieceLength},
		{"hexadecimal", hex.EncodeToString([]byte(s)), 2 * pieceLength},
		{"HEXADECIMAL", strings.ToUpper(hex.EncodeToString([]byte(s))), 2 * pieceLength},
		{"URL query", url.QueryEscape(s), pieceLength * 3 / 2},
		{"URL path", url.PathEscape(s), pieceLength * 3 / 2},
		{"all percent-encoded", escapedBytes(s, func(b byte) string { return fmt.Sprintf("%%%02X", b) }), 3 * pieceLength},
		{"JSON, all escaped", unicodeEscaped(s), 6 * pieceLength},
		{"hexadecimal words", escapedBytes(s, func(b byte) string { return fmt.Sprintf("0x%x, ", b) }), 6 * pieceLength},
		{"decimal list", escapedBytes(s, func(b byte) string { return fmt.Sprintf("%d ", b) }), 4 * pieceLength},
		{"Go, all escaped", escapedBytes(s, func(b byte) string { return fmt.Sprintf(`\x%02x`, b) }), 4 * pieceLength},
	}
	// Base64 of a text with the secret in it depends on where it stands: only
	// the characters that it alone decides are looked for.
	for offset := range 3 {
		padded := append(make([]byte, offset), s...)
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := encoding.EncodeToString(padded)
			from, to := (offset*8+5)/6, len(padded)*8/6
			list = append(list, encodedSecret{fmt.Sprintf("%s at offset %d", name, offset), text[from:to], pieceLength*8/6 + 1})
		}
	}
	return list
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

func escapedBytes(s string, spell func(byte) string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString(spell(s[i]))
	}
	return b.String()
}

func unicodeEscaped(s string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

// Find returns what of the secrets is in a text, each name with its form once.
func (a *Set) Find(text []byte) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := map[string]bool{}
	// A wrapped line of a terminal, or of PEM, tells as much as a whole one.
	for _, look := range [][]byte{text, joined(text)} {
		for n, windows := range a.windows {
			for i := 0; i+n <= len(look); i++ {
				if f, ok := windows[string(look[i:i+n])]; ok && !a.ignored[string(look[i:i+n])] {
					seen[f.name+", "+f.form] = true
				}
			}
		}
	}
	var list []string
	for s := range seen {
		list = append(list, s)
	}
	slices.Sort(list)
	return list
}

// joined is a text without its line breaks, and the spaces and frame that
// follow them.
func joined(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.Trim(line, " \t\r│╷╵|")
	}
	return bytes.Join(lines, nil)
}

func random(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic("canary: no random numbers: " + err.Error())
		}
		b[i] = alphabet[k.Int64()]
	}
	return string(b)
}
