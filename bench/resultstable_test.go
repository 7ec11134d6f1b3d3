//go:build bench

package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// row is one line of the table.
type row struct {
	work, goal, measured string
	// met tells whether the goal is.
	met bool
}

type table struct{ rows []row }

func (b *table) measure(t *testing.T, f func(*testing.T, *table)) {
	t.Helper()
	f(t, b)
}

func (b *table) add(met bool, work, goal, measured string, args ...any) {
	b.rows = append(b.rows, row{work, goal, fmt.Sprintf(measured, args...), met})
}

func (b *table) text() string {
	var text strings.Builder
	text.WriteString("| work | goal | measured | |\n|---|---|---|---|\n")
	for _, r := range b.rows {
		met := "met"
		if !r.met {
			met = "**missed**"
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", r.work, r.goal, r.measured, met)
	}
	return text.String()
}

// The lines between which the table stands.
const tableBegins, tableEnds = "<!-- table -->\n", "<!-- end of table -->\n"

func (b *table) write(path string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(page), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the table", path)
	}
	return os.WriteFile(path, []byte(before+tableBegins+b.text()+tableEnds+after), 0o644)
}

func short(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n>>20) }
