package render

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/credsync/credsync/schema/diag"
)

// DefaultWidth is how many columns a line has where the terminal does not say.
const DefaultWidth = 80

// Unbounded is the width of what no terminal shows: a log, a pipe, a file. Lines are
// broken there by whoever shows them, and can be copied and searched whole.
const Unbounded = 1 << 20

// Stream is standard output or standard error.
type Stream struct {
	Writer io.Writer
	// Terminal says that a person is looking at it as it is written.
	Terminal bool
	// Color allows escape sequences for colour.
	Color bool
	// Width in columns; DefaultWidth where it is 0.
	Width int
}

// Output is where a command prints.
type Output struct {
	Out, Err Stream
	Now      func() time.Time
}

// width never goes below what the tables need to stay readable.
func (s Stream) width() int {
	if s.Width == 0 {
		return DefaultWidth
	}
	return max(s.Width, 40)
}

// Columns is how wide a page is to be that is laid out elsewhere: never so wide that it
// cannot be read.
func (s Stream) Columns() int {
	if w := s.width(); w < Unbounded {
		return w
	}
	return DefaultWidth
}

// printf leaves a failed write unreported, as fmt.Printf's callers do: the
// reader has gone, and there is nobody to tell.
func (s Stream) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(s.Writer, format, args...)
}

// buffered is the stream for a text of many lines, which is written in large
// pieces. What is left is written by flush.
func (s Stream) buffered() (buffered Stream, flush func()) {
	b := bufio.NewWriterSize(s.Writer, 64<<10)
	s.Writer = b
	return s, func() { _ = b.Flush() }
}

// Raw writes bytes to standard output as they are: formatted source, a diff.
func (o *Output) Raw(b []byte) { _, _ = o.Out.Writer.Write(b) }

// Line writes one line to standard output.
func (o *Output) Line(text string) { o.Out.printf("%s\n", clean(text)) }

// Entry writes one name of a list, in a column of so many, with what it is. Where that
// needs several lines, they stand below each other.
func (o *Output) Entry(name string, column int, text string) {
	indent := column + 2
	lines := wrap(clean(text), indent, o.Out.Columns())
	o.Out.printf("%s%s\n", padRight(clean(name), indent), lines[min(indent, len(lines)):])
}

// Done writes the line that says that what was announced is done.
func (o *Output) Done(text string) {
	o.Out.printf("\n%s\n", o.Out.style().bold(clean(text)))
}

// Note writes one line to standard error, for what is not a result.
func (o *Output) Note(text string) { o.Err.printf("%s\n", clean(text)) }

// Urgent writes one line to standard error, in one write and over the live line where
// there is one. It may be called while something else is printed.
func (o *Output) Urgent(text string) {
	line := clean(text) + "\n"
	if o.Err.Terminal {
		line = eraseLine + line
	}
	o.Err.printf("%s", line)
}

// Waiting says that an account waits for another run; see engine.Options.Waiting.
func (o *Output) Waiting(address, held string) {
	o.Urgent("Waiting for another run to finish with " + address + ": " + held + ".")
}

// Ask writes a question to standard error, where it is seen also when the
// results go to a file, and leaves the cursor behind it.
func (o *Output) Ask(question, hint string) {
	style := o.Err.style()
	o.Err.printf("\n%s\n  %s\n\n  %s ", style.bold(question), hint, style.bold("Enter a value:"))
}

// EndPrompt leaves the line of a question that nobody has answered.
func (o *Output) EndPrompt() { o.Err.printf("\n") }

// Diagnostics writes a list to standard error, for people.
func (o *Output) Diagnostics(list diag.List) {
	for _, d := range list {
		_ = d.Write(o.Err.Writer, o.Err.width(), o.Err.Color)
	}
}

// indentedJSON writes one document to standard output.
func (o *Output) indentedJSON(v any) {
	e := json.NewEncoder(o.Out.Writer)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
}

// notNil gives JSON an empty list rather than null.
func notNil(list diag.List) diag.List {
	if list == nil {
		return diag.List{}
	}
	return list
}
