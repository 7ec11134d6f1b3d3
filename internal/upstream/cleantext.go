package upstream

import (
	"strings"
	"unicode"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/redact"
)

// maxSaid bounds an upstream's own words, in characters.
const maxSaid = 200

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
	for _, form := range []string{text, line} {
		if redact.ContainsSecret(form, secrets...) {
			return withheld
		}
	}
	if runes := []rune(line); len(runes) > maxSaid {
		line = string(runes[:maxSaid-1]) + "…"
	}
	return line
}

// Unpublished returns the secrets but those that have a published value, such as
// the documented default of a client's name: keeping that out of messages would
// hide every one that has its word in it.
func Unpublished(published string, secrets ...credential.Secret) []credential.Secret {
	var list []credential.Secret
	for _, s := range secrets {
		if s.Reveal() != published {
			list = append(list, s)
		}
	}
	return list
}

// printable replaces control characters, line breaks and the invisible ones
// that change the direction of text.
func printable(r rune) rune {
	if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
		return ' '
	}
	return r
}
