package upstream

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"unicode"

	"github.com/credsync/credsync/credential"
)

const (
	// maxSaid bounds an upstream's own words, in characters.
	maxSaid = 200
	// window is the length of a piece of a secret that counts as the secret:
	// less of it may be chance, and more would let half a password through.
	window = 6
)

const withheld = "(the upstream's message repeats a secret, so it is not shown)"

// Clean makes an upstream's text fit to be shown: one line of at most 200
// printable characters. A text that has a piece of one of the secrets in it,
// plain or in a usual encoding, is not shown at all: what is left of it after
// cutting the piece out could still tell too much.
func Clean(text string, secrets ...credential.Secret) string {
	// No more than this can reach the result, and the rest need not be searched.
	if len(text) > 8*maxSaid {
		text = text[:8*maxSaid]
	}
	line := strings.Join(strings.Fields(strings.Map(printable, text)), " ")
	// Searched both as it came and as it would be shown.
	for _, form := range []string{strings.ToLower(text), strings.ToLower(line)} {
		for _, s := range secrets {
			if repeats(form, s.Reveal()) {
				return withheld
			}
		}
	}
	if runes := []rune(line); len(runes) > maxSaid {
		line = string(runes[:maxSaid-1]) + "…"
	}
	return line
}

// printable replaces control characters, line breaks and the invisible ones
// that change the direction of text.
func printable(r rune) rune {
	if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
		return ' '
	}
	return r
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

// repeats reports whether text, in lower case, has a piece of the secret.
func repeats(text, secret string) bool {
	if secret == "" || text == "" {
		return false
	}
	b := []byte(secret)
	forms := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString(b),
		jsonEscaped(secret), base64.RawStdEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b),
	}
	for _, form := range forms {
		form = strings.ToLower(form)
		n := min(window, len(form))
		for i := 0; i+n <= len(form); i++ {
			if strings.Contains(text, form[i:i+n]) {
				return true
			}
		}
	}
	return false
}
