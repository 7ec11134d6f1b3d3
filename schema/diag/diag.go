// Package diag has the diagnostics that every command prints: what is wrong,
// where, and what to do about it. In JSON they are those of
// "terraform validate -json".
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity is "error" or "warning".
type Severity string

// The two severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is one thing to tell the user. It never holds a secret: not in
// its text, and not in the source line it points at.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	// Summary is one line without a full stop; Detail says what to do.
	Summary string `json:"summary"`
	Detail  string `json:"detail"`
	// Address of the account or block it is about; may be empty.
	Address string   `json:"address,omitempty"`
	Range   *Range   `json:"range,omitempty"`
	Snippet *Snippet `json:"snippet,omitempty"`
}

// Range is a part of a configuration file.
type Range struct {
	Filename string `json:"filename"`
	Start    Pos    `json:"start"`
	End      Pos    `json:"end"`
}

// Pos is a place in a file. Line and Column count from 1, Byte from 0.
type Pos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// String is "file:line,column", as Terraform writes it.
func (r Range) String() string {
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}

// Snippet is the source around a Range. It is absent where the source may hold
// a secret.
type Snippet struct {
	// Context is the header of the block around, such as `account "sagi" "x"`.
	Context *string `json:"context"`
	// Code is the source lines; StartLine the number of the first.
	Code      string `json:"code"`
	StartLine int    `json:"start_line"`
	// The highlighted part, in bytes of Code.
	HighlightStartOffset int `json:"highlight_start_offset"`
	HighlightEndOffset   int `json:"highlight_end_offset"`
	// Values is always an empty list: Terraform shows the values of the
	// variables in Code there, which may be secret.
	Values [0]struct{} `json:"values"`
}

// List is diagnostics in the order in which they are shown.
type List []Diagnostic

// HasErrors reports whether any is an error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Count returns how many there are of a severity.
func (l List) Count(s Severity) int {
	n := 0
	for _, d := range l {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Errorf returns an error diagnostic with no place.
func Errorf(summary, detailFormat string, args ...any) Diagnostic {
	return Diagnostic{Severity: Error, Summary: summary, Detail: fmt.Sprintf(detailFormat, args...)}
}

// Warningf returns a warning with no place.
func Warningf(summary, detailFormat string, args ...any) Diagnostic {
	return Diagnostic{Severity: Warning, Summary: summary, Detail: fmt.Sprintf(detailFormat, args...)}
}

// FromError returns an error diagnostic whose detail is an error's text.
func FromError(summary string, err error) Diagnostic {
	return Diagnostic{Severity: Error, Summary: summary, Detail: Sentence(err.Error())}
}

// Sentence gives a text a full stop, and a capital letter unless it begins with
// a name, such as that of a sink.
func Sentence(s string) string {
	if s == "" {
		return ""
	}
	first, rest, _ := strings.Cut(s, " ")
	if c := s[0]; c >= 'a' && c <= 'z' && !strings.ContainsAny(first, "._") && !strings.HasPrefix(rest, "=") {
		s = string(c-'a'+'A') + s[1:]
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?}]") { // a rule at the end is to be copied
		s += "."
	}
	return s
}

// Clause is a text on its way into a longer one, which goes on behind it: without the
// full stop that it may have as a sentence of its own.
func Clause(s string) string { return strings.TrimRight(s, ". ") }

// About returns d with the address it is about and the place of its block;
// a place that d already has, which is more exact, stays.
func (d Diagnostic) About(address string, r *Range) Diagnostic {
	d.Address = address
	if d.Range == nil {
		d.Range = r
	}
	return d
}

// Sort orders by file and place, those without a place last, and otherwise
// keeps the order in which they were found.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		switch {
		case a.Range == nil && b.Range == nil:
			return 0
		case a.Range == nil:
			return 1
		case b.Range == nil:
			return -1
		}
		return cmp.Or(
			cmp.Compare(a.Range.Filename, b.Range.Filename),
			cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte),
		)
	})
}
