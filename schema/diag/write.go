package diag

import (
	"fmt"
	"io"
	"strings"

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
	for len(lines) > 0 && lines[len(lines)-1] == "" {
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
	if d.Range == nil {
		if d.Address == "" {
			return nil
		}
		return []string{"  with " + clean(d.Address), ""}
	}
	place := fmt.Sprintf("  on %s line %d", clean(d.Range.Filename), d.Range.Start.Line)
	if d.Snippet == nil {
		if d.Address != "" {
			place += ", in " + clean(d.Address)
		}
		return []string{place, ""}
	}
	if d.Snippet.Context != nil {
		place += ", in " + clean(*d.Snippet.Context)
	}
	lines := []string{place + ":"}
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

// cleanBut makes control characters visible, which could otherwise drive the
// reader's terminal.
func cleanBut(s, keep string) string {
	return strings.Map(func(r rune) rune {
		if (r < 0x20 || r >= 0x7f && r < 0xa0) && !strings.ContainsRune(keep, r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
