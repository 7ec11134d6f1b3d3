package diag

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/mitchellh/go-wordwrap"
)

// The colours of the terminal, and the end of any.
const (
	red       = "\x1b[31m"
	yellow    = "\x1b[33m"
	bold      = "\x1b[1m"
	underline = "\x1b[4m"
	reset     = "\x1b[0m"
)

// minWidth is the narrowest that text is wrapped to.
const minWidth = 40

// Write prints the diagnostic for people, as Terraform does: a rule at the
// left, the place, the source and the advice, wrapped to width columns (0 for
// no wrapping). Colours are used only if color is true. What control
// characters the text has are printed as visible ones.
func (d Diagnostic) Write(w io.Writer, width int, color bool) error {
	p := painter{on: color, hue: red}
	heading := "Error: "
	if d.Severity == Warning {
		p.hue, heading = yellow, "Warning: "
	}
	var lines []string
	lines = append(lines, p.paint(bold+p.hue, heading)+p.paint(bold, clean(d.Summary)), "")
	lines = append(lines, d.source(p)...)
	lines = append(lines, wrap(clean(d.Detail), width)...)
	for lines[len(lines)-1] == "" { // the heading never is
		lines = lines[:len(lines)-1]
	}
	var b strings.Builder
	b.WriteString(p.paint(p.hue, "╷") + "\n")
	for _, line := range lines {
		b.WriteString(strings.TrimRight(p.paint(p.hue, "│")+" "+line, " ") + "\n")
	}
	b.WriteString(p.paint(p.hue, "╵") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// source is the place and, if it may be shown, the code there.
func (d Diagnostic) source(p painter) []string {
	// The address tells the instances of one block apart.
	var lines []string
	if d.Address != "" {
		lines = append(lines, "  with "+clean(d.Address))
	}
	if d.Range == nil {
		if lines == nil {
			return nil
		}
		return append(lines, "")
	}
	if lines != nil {
		lines[0] += ","
	}
	place := fmt.Sprintf("  on %s line %d", clean(d.Range.Filename), d.Range.Start.Line)
	if d.Snippet == nil {
		return append(lines, place, "")
	}
	if d.Snippet.Context != nil {
		place += ", in " + clean(*d.Snippet.Context)
	}
	lines = append(lines, place+":")
	code, from, to := d.Snippet.Code, d.Snippet.HighlightStartOffset, d.Snippet.HighlightEndOffset
	if p.on && 0 <= from && from < to && to <= len(code) && !strings.Contains(code[from:to], "\n") {
		code = code[:from] + "\x00" + code[from:to] + "\x01" + code[to:]
	}
	for i, line := range strings.Split(code, "\n") {
		line = strings.NewReplacer("\x00", underline, "\x01", reset).Replace(cleanBut(strings.TrimSuffix(line, "\r"), "\x00\x01\t"))
		lines = append(lines, fmt.Sprintf("%4d: %s", d.Snippet.StartLine+i, line))
	}
	return append(lines, "")
}

type painter struct {
	on  bool
	hue string
}

func (p painter) paint(style, s string) string {
	if !p.on {
		return s
	}
	return style + s + reset
}

// wrap breaks paragraphs; lines that are indented stay as they are.
func wrap(s string, width int) []string {
	var lines []string
	for _, line := range strings.Split(s, "\n") {
		if width > 0 && !strings.HasPrefix(line, " ") {
			line = wordwrap.WrapString(line, uint(max(width, minWidth)-2))
		}
		lines = append(lines, strings.Split(line, "\n")...)
	}
	return lines
}

func clean(s string) string { return cleanBut(s, "\n") }

// cleanBut makes visible what could drive the reader's terminal, or reverse
// the order in which a text reads.
func cleanBut(s, keep string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !strings.ContainsRune(keep, r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
