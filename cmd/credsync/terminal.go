package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema/diag"
	"golang.org/x/term"
)

// output describes where the command prints.
func (a *app) output() *render.Output {
	return &render.Output{Out: a.stream(a.stdout), Err: a.stream(a.stderr), Now: a.now}
}

func (a *app) stream(w io.Writer) render.Stream {
	s := render.Stream{Writer: w, Width: render.Unbounded}
	if columns, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && columns > 0 {
		s.Width = columns
	}
	f, ok := terminal(w)
	if !ok {
		return s
	}
	s.Width = render.DefaultWidth
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
	if r, wrapped := v.(*resultWriter); wrapped {
		v = r.to
	}
	f, ok := v.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// confirm asks for a yes. It returns an error diagnostic where there is nobody
// to ask, with what to do otherwise, and false where the answer is anything
// else.
func (a *app) confirm(ctx context.Context, question, otherwise string) (bool, diag.List) {
	_, in := terminal(a.stdin)
	_, out := terminal(a.stderr)
	if !in || !out {
		return false, diag.List{diag.Errorf("Confirmation needed, but no terminal is attached", "Nothing was done. %s", otherwise)}
	}
	a.out.Ask(question, `Only "yes" is accepted.`)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		a.out.EndPrompt()
		return false, nil
	case text := <-answer:
		return text == "yes", nil
	}
}
