// Package pemtext puts PEM in order that environment variables, JSON and forms have
// been through: line breaks that are written as \n, were replaced by spaces or are gone.
package pemtext

import (
	"regexp"
	"strings"
	"sync"
)

var (
	// boundary is a line that begins or ends a PEM block.
	boundary = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\s*-----(BEGIN|END) ([A-Z0-9 ]+)-----\s*`) })
	// legacy are the headers of an encrypted key as older OpenSSL versions write it.
	legacy = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(Proc-Type:[ \t]*4,ENCRYPTED)\s*(DEK-Info:[ \t]*(?:AES-[0-9]+-CBC,[0-9A-Fa-f]{32}|DES[A-Z0-9-]*,[0-9A-Fa-f]{16}))\s*`)
	})
	// newlines are the forms in which line breaks survive.
	newlines = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", `\r`, "\n", "\r\n", "\n", "\r", "\n")
)

// Normalize returns a text with each boundary and header of a PEM block on a line of
// its own, without spaces around lines. Other text stays as it is.
func Normalize(text string) string {
	text = boundary().ReplaceAllString(newlines.Replace(text), "\n-----$1 $2-----\n")
	text = legacy().ReplaceAllString(text, "$1\n$2\n\n")
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
