package render

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/plan"
	"github.com/google/go-cmp/cmp"
)

// The widths that a terminal may have. Nothing is narrower than the least.
const (
	leastWidth = 40
	mostWidth  = 200
)

// said is what a view says on standard output, however its lines are broken.
func said(width int, now time.Time, show func(*Output)) string {
	c := capture(false)
	c.Out.Width, c.Now = width, func() time.Time { return now }
	show(c.Output)
	return strings.Join(strings.Fields(c.out.String()), " ")
}

// A line is broken where the terminal ends, and no word of it is lost there.
func TestEveryWidthSaysTheSame(t *testing.T) {
	d := busyDocument()
	schedule := "*/10 * * * *"
	d.Schedule, d.NextRuns = &schedule, []time.Time{*at(10 * time.Minute), *at(20 * time.Minute), *at(13 * time.Hour)}
	accounts := byHealth(d.Accounts)
	printer := func(o *Output) planPrinter { return planPrinter{Stream: o.Out, now: o.Now()} }
	for name, show := range map[string]func(*Output){
		"plan": func(o *Output) { NewPlan(o, false).Show(d) },
		"attention": func(o *Output) {
			printer(o).attention(accounts)
			printer(o).schedule(d)
			printer(o).statusLine(d)
		},
		"details": func(o *Output) {
			for _, a := range accounts {
				printer(o).status(a, true)
			}
		},
	} {
		want := said(mostWidth, noon, show)
		for width := leastWidth; width < mostWidth; width++ {
			if diff := cmp.Diff(want, said(width, noon, show)); diff != "" {
				t.Errorf("%s of %d columns:\n%s", name, width, diff)
			}
		}
	}
}

// The table may leave reasons out to be narrow, but no account, time or number.
func TestTableOfEveryWidthHasEveryCell(t *testing.T) {
	accounts := byHealth(busyDocument().Accounts)
	missing := func(table string, state func(plan.DocumentAccount) string) (rows []string) {
		for _, r := range (planPrinter{now: noon}).rows(accounts, state)[1:] {
			row := strings.Join(strings.Fields(r.address+" "+strings.Join(r.cells[:], " ")), " ")
			if !strings.Contains(table, row) {
				rows = append(rows, row)
			}
		}
		return rows
	}
	for width := leastWidth; width <= mostWidth; width++ {
		table := said(width, noon, func(o *Output) { planPrinter{Stream: o.Out, now: noon}.table(accounts) })
		short, long := missing(table, shortStateWord), missing(table, stateWord)
		if len(short) > 0 && len(long) > 0 {
			t.Errorf("the table of %d columns has no %q, nor %q: %s", width, short, long, table)
		}
	}
}

// What runs today is told without its day: the line is longer near midnight,
// and says the same at any width.
func TestScheduleIsToldAtAnyTimeOfDay(t *testing.T) {
	schedule := "*/10 * * * *"
	for _, midnight := range []time.Time{
		time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),
		time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		for _, zone := range []*time.Location{time.UTC, time.FixedZone("+14", 14*60*60), time.FixedZone("-11", -11*60*60)} {
			for minute := -40; minute <= 10; minute++ {
				now := midnight.Add(time.Duration(minute)*time.Minute - 10*time.Second)
				runs, err := plan.NextRuns(schedule, now, 3)
				if err != nil {
					t.Fatal(err)
				}
				var times []string
				for _, at := range runs {
					if at = at.UTC(); at.Day() == now.Day() {
						times = append(times, at.Format("15:04"))
					} else {
						times = append(times, at.Format("2006-01-02 15:04"))
					}
				}
				want := fmt.Sprintf("Schedule %s: next run %s, at %s; then at %s UTC.",
					schedule, relativeTime(runs[0], now), times[0], strings.Join(times[1:], ", "))
				d := plan.Document{Schedule: &schedule, NextRuns: runs}
				for width := leastWidth; width <= mostWidth; width++ {
					got := said(
						width,
						now.In(zone),
						func(o *Output) { planPrinter{Stream: o.Out, now: o.Now()}.schedule(d) },
					)
					if got != want {
						t.Fatalf("at %v, %d columns: %q, want %q", now.In(zone), width, got, want)
					}
				}
			}
		}
	}
}
