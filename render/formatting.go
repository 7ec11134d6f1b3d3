package render

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/credsync/credsync/plan"
	"github.com/mitchellh/go-wordwrap"
)

// clean makes a text from outside safe to print on one line: what could move
// the cursor, recolour the screen or reverse the reading order is shown as an
// escape.
func clean(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == utf8.RuneError, !unsafeRune(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// unsafeRune also covers invalid UTF-8, which ranging over a string turns into
// the replacement character, and the format characters that reorder text.
func unsafeRune(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// wrap breaks a text into lines of at most width columns, each indented. A
// word that is longer, such as a URL, stays whole.
func wrap(text string, indent, width int) string {
	pad := strings.Repeat(" ", indent)
	wrapped := wordwrap.WrapString(text, uint(max(width-indent, 20)))
	return pad + strings.ReplaceAll(wrapped, "\n", "\n"+pad)
}

// columns is the width of a text on the screen.
func columns(s string) int { return utf8.RuneCountInString(s) }

func padRight(s string, width int) string {
	return s + strings.Repeat(" ", max(width-columns(s), 0))
}

// relativeTime says when t is, seen from now.
func relativeTime(t, now time.Time) string {
	switch d := t.Sub(now); {
	case d > 0:
		// What comes in less than a second has not come yet.
		return "in " + plan.Duration(max(d, time.Second))
	case d > -time.Second:
		return "just now"
	}
	return plan.Duration(now.Sub(t)) + " ago"
}

// exactTime is the form of a time that can be looked up in a log.
func exactTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

func exactAndRelative(t, now time.Time) string { return exactTime(t) + ", " + relativeTime(t, now) }

// Plural is "1 account" or "2 accounts".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
