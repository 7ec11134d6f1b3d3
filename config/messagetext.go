package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// didYouMean returns " Did you mean …?" if one of the known names is near, and
// otherwise "". Two letters of a short name are much: of those only one that
// begins as the given name does is near.
func didYouMean(given string, known []string) string {
	best := nearest(given, known)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" Did you mean %q?", best)
}

// nearest is the known name that is near; "" if none is.
func nearest(given string, known []string) string {
	best, bestDistance := "", 3
	for _, name := range slices.Sorted(slices.Values(known)) {
		d := levenshtein.Distance(given, name, nil)
		if d == 2 && len(given) < 6 && (given == "" || !strings.HasPrefix(name, given[:1])) {
			continue
		}
		if d < bestDistance && d < len(name) {
			best, bestDistance = name, d
		}
	}
	return best
}

// quoteAll writes names for people: `"a", "b"`.
func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}

// orNone lists names in order after a lead, or says that there are none.
func orNone(lead, none string, names []string) string {
	if len(names) == 0 {
		return none
	}
	return lead + strings.Join(slices.Sorted(slices.Values(names)), ", ") + "."
}

func capitalize(s string) string {
	if s == "" {
		return ""
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// sentence makes an error's text one: a capital first, a full stop last.
func sentence(s string) string {
	s = capitalize(strings.TrimSpace(s))
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "}") {
		return s
	}
	return s + "."
}

// quoteHCL writes a string as an HCL literal, as instance keys are written.
func quoteHCL(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '"', r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		case !unicode.IsPrint(r):
			if r > 0xFFFF {
				fmt.Fprintf(&b, `\U%08x`, r)
			} else {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
