package main

import (
	"io"
	"os"

	"github.com/credsync/credsync/render"
	"golang.org/x/term"
)

// output describes where the command prints.
func (a *app) output() *render.Output {
	return &render.Output{Out: a.stream(a.stdout), Err: a.stream(a.stderr), Now: a.now}
}

func (a *app) stream(w io.Writer) render.Stream {
	s := render.Stream{Writer: w}
	f, ok := terminal(w)
	if !ok {
		return s
	}
	dumb := a.getenv("TERM") == "dumb"
	s.Terminal = !dumb
	s.Color = !dumb && !a.flags.noColor && a.getenv("NO_COLOR") == ""
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		// Text is hard to read across a whole wide screen.
		s.Width = min(width, 100)
	}
	return s
}

// terminal returns the file behind v if a person is at its other end.
func terminal(v any) (*os.File, bool) {
	f, ok := v.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}
