package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// tally is what became of the mutations of one package.
type tally struct {
	path       string
	root       string
	candidates int // mutations that there are
	noticed    int
	hung       int // of those noticed
	survivors  []survivor
}

// survivor is a mutation that no test noticed.
type survivor struct {
	place    string // file:line
	line     int
	kind     string
	was, now string
}

func (t *tally) add(m mutation, o outcome, source []byte) {
	switch o {
	case hung:
		t.hung++
		fallthrough
	case noticed:
		t.noticed++
	case survived:
		file, err := filepath.Rel(t.root, m.file)
		if err != nil {
			file = m.file
		}
		s := survivor{line: m.line(source), kind: m.kind}
		s.place = fmt.Sprintf("%s:%d", file, s.line)
		s.was, s.now = m.changedLines(source)
		t.survivors = append(t.survivors, s)
	}
}

// changedLines returns the first line that a mutation changes, as it was and as
// it is then. Of what is dropped with several lines, the first says enough.
func (m mutation) changedLines(source []byte) (was, now string) {
	from := bytes.LastIndexByte(source[:m.start], '\n') + 1
	first := func(b []byte) string {
		line, _, more := strings.Cut(strings.TrimSpace(string(b)), "\n")
		if more {
			line += " …"
		}
		return line
	}
	to := len(source)
	if i := bytes.IndexByte(source[m.end:], '\n'); i >= 0 {
		to = m.end + i
	}
	return first(source[from:to]), first([]byte(string(source[from:m.start]) + m.text + string(source[m.end:to])))
}

func (t *tally) tried() int { return t.noticed + len(t.survivors) }

func percent(part, of int) int {
	if of == 0 {
		return 100
	}
	return 100 * part / of
}

func (t *tally) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %d of %d noticed\n", t.path, t.noticed, t.tried())
	slices.SortStableFunc(t.survivors, func(a, b survivor) int {
		if c := strings.Compare(strings.Split(a.place, ":")[0], strings.Split(b.place, ":")[0]); c != 0 {
			return c
		}
		return a.line - b.line
	})
	for _, s := range t.survivors {
		fmt.Fprintf(w, "%s: %s\n\t- %s\n\t+ %s\n", s.place, s.kind, s.was, s.now)
	}
}

func printTable(w io.Writer, all []tally) {
	sum := tally{path: "all"}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\npackage\tnoticed\ttried\tshare\thung\tcould be tried\n")
	row := func(t tally) {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d %%\t%d\t%d\n", t.path, t.noticed, t.tried(), percent(t.noticed, t.tried()), t.hung, t.candidates)
	}
	for _, t := range all {
		row(t)
		sum.noticed, sum.hung, sum.candidates = sum.noticed+t.noticed, sum.hung+t.hung, sum.candidates+t.candidates
		sum.survivors = append(sum.survivors, t.survivors...)
	}
	if len(all) > 1 {
		row(sum)
	}
	table.Flush()
}
