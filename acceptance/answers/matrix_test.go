package answers

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tenMinutes pass between two runs.
const tenMinutes = 10 * time.Minute

// cells are those of one upstream.
func cells(u *upstreamKind) []cell { return chosen(u, 1) }

// chosen are, of the main situations, those with a status that documents name, and of the
// others one of so many, so that each status, each body and each situation is met.
func chosen(u *upstreamKind, every int) []cell {
	var all []cell
	n := 0
	for _, s := range situations {
		if !s.of(u) {
			continue
		}
		for _, status := range statuses {
			whole := s.main && slices.Contains(named, status) && every < muchFewer
			for _, b := range bodiesOf(status) {
				if n++; whole || n%every == 0 {
					all = append(all, cell{up: u, situation: s, status: status, body: b})
				}
			}
		}
	}
	return all
}

// muchFewer leaves out the others likewise.
const muchFewer = 101

func init() {
	flag.IntVar(&every, "every", every, "try one of so many of the cells that are not always tried")
}

// Whatever an upstream answers, four runs neither send the same credentials for ever, nor
// lose a token that came, nor call one good that a login may have ended.
func TestEveryAnswer(t *testing.T) {
	for i := range upstreams {
		u := &upstreams[i]
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			tryAll(t, u, chosen(u, every))
		})
	}
}

func tryAll(t *testing.T, u *upstreamKind, cells []cell) {
	report := &report{}
	p := newPlace(t, u, anySecret, nil)
	for _, c := range cells {
		report.add(c, p.try(c))
	}
	report.fail(t)
}

// try runs a cell, and returns what is wrong.
func (p *place) try(c cell) []string {
	w := p.world(c)
	if c.situation.name == newTokenCheck {
		p.server.arm()
	}
	c.situation.begin(w)
	p.server.arm()
	var wrong []string
	for n := range runs {
		before := len(p.server.issued())
		c.situation.run(w, n)
		if wrong = w.brokenPromises(before); len(wrong) > 0 {
			break
		}
		w.advance(tenMinutes)
	}
	return append(wrong, w.exceeded()...)
}

// brokenPromises says what is wrong after a run, before which so many tokens had come.
func (w *world) brokenPromises(before int) (wrong []string) {
	record, delivered := w.record()
	tokens := w.server.issued()
	if len(tokens) > before && w.cell.situation.op != opCheck {
		if last := tokens[len(tokens)-1]; !strings.Contains(record, last) && delivered != last {
			wrong = append(wrong, "a token that came is lost")
		}
	}
	if strings.Contains(record+delivered, "\ufffd") || strings.Contains(strings.ToLower(record), `\ufffd`) {
		wrong = append(wrong, "a replaced character is kept")
	}
	if w.cell.mayBeDead() && callsGood(w.planned().Decision) {
		wrong = append(wrong, "a token counts as good that the login may have ended")
	}
	return wrong
}

// exceeded says which limits of the cell were not kept.
func (w *world) exceeded() (wrong []string) {
	l, asked, logins := w.cell.limits(), w.server.count(w.cell.situation.op), w.server.count(opLogin)
	if l.asked >= 0 && asked > l.asked {
		wrong = append(wrong, fmt.Sprintf("asked %d times, at most %d are allowed", asked, l.asked))
	}
	if asked < l.least {
		wrong = append(wrong, fmt.Sprintf("asked %d times, since it says nothing of the credentials at least %d are due", asked, l.least))
	}
	if w.cell.situation.op != opLogin && logins > l.logins {
		wrong = append(wrong, fmt.Sprintf("led to %d logins, at most %d are allowed", logins, l.logins))
	}
	return wrong
}

// report gathers what went wrong, by kind, so that thousands of cells can be read.
type report struct {
	mu    sync.Mutex
	tried int
	cells map[string][]string
}

func (r *report) add(c cell, wrong []string) { r.addTrial(string(c.kind()), c.String(), wrong) }

func (r *report) addTrial(of, what string, wrong []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried++
	for _, text := range wrong {
		if r.cells == nil {
			r.cells = map[string][]string{}
		}
		key := fmt.Sprintf("%s (%s)", text, of)
		r.cells[key] = append(r.cells[key], what)
	}
}

// fail fails the test for each thing that is wrong, with some of its cells.
func (r *report) fail(t *testing.T) {
	t.Helper()
	const shown = 12
	t.Logf("%d cells", r.tried)
	for text, cells := range r.cells {
		more := ""
		if len(cells) > shown {
			more = fmt.Sprintf("\n  and %d more", len(cells)-shown)
		}
		t.Errorf("%s:\n  %s%s", text, strings.Join(cells[:min(len(cells), shown)], "\n  "), more)
	}
}
