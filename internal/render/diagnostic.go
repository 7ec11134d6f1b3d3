package render

import (
	"fmt"
	"strings"

	"github.com/credsync/credsync/schema/diag"
)

// writeDiagnostic prints one diagnostic as Terraform does, with a rule at its
// left that shows where it begins and ends.
func writeDiagnostic(s Stream, d diag.Diagnostic) {
	st := s.style()
	title, paint := "Error: ", st.red
	if d.Severity == diag.Warning {
		title, paint = "Warning: ", st.yellow
	}
	var b strings.Builder
	b.WriteString(paint(title) + st.bold(clean(d.Summary)) + "\n")
	if where := place(d); where != "" {
		b.WriteString("\n" + where)
	}
	if d.Detail != "" {
		b.WriteString("\n" + wrap(cleanLines(d.Detail), 0, s.width()-2) + "\n")
	}
	s.printf("%s\n", paint("╷"))
	for line := range strings.Lines(b.String()) {
		rule := paint("│")
		if line != "\n" {
			rule += " "
		}
		s.printf("%s%s", rule, line)
	}
	s.printf("%s\n", paint("╵"))
}

// place says where in the configuration, with the source where it may be shown.
func place(d diag.Diagnostic) string {
	if d.Range == nil {
		if d.Address == "" {
			return ""
		}
		return fmt.Sprintf("  with %s\n", clean(d.Address))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "  on %s line %d", clean(d.Range.Filename), d.Range.Start.Line)
	if d.Snippet != nil && d.Snippet.Context != nil {
		fmt.Fprintf(&b, ", in %s", clean(*d.Snippet.Context))
	}
	b.WriteString(":\n")
	if d.Snippet != nil {
		number := d.Snippet.StartLine
		for line := range strings.Lines(d.Snippet.Code) {
			fmt.Fprintf(&b, "%4d: %s\n", number, cleanLines(strings.TrimRight(line, "\r\n")))
			number++
		}
	}
	if d.Address != "" {
		fmt.Fprintf(&b, "  with %s\n", clean(d.Address))
	}
	return b.String()
}
