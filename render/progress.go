package render

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// eraseLine returns to the first column and clears the line.
const eraseLine = "\r\x1b[K"

// Progress tells how far work has got: a live line on standard error, where that is a
// terminal, one line per finished account elsewhere. It is an engine.Observer.
type Progress struct {
	err Stream
	// lines is where an account that is finished is reported without a terminal.
	lines   Stream
	now     func() time.Time
	started time.Time
	total   int

	mu      sync.Mutex
	done    int
	current []string
	stop    chan struct{}
	stopped sync.WaitGroup
}

// NewProgress starts to tell on standard error; Close ends it.
func NewProgress(o *Output, total int) *Progress { return newProgress(o, o.Err, total) }

// newReportProgress is NewProgress for a command whose report the finished accounts
// belong to: without a terminal it has them on standard output, between the plan and the
// summary. What collects a log from both streams may not keep their order.
func newReportProgress(o *Output, total int) *Progress { return newProgress(o, o.Out, total) }

func newProgress(o *Output, lines Stream, total int) *Progress {
	p := &Progress{err: o.Err, lines: lines, now: o.Now, started: o.Now(), total: total, stop: make(chan struct{})}
	if p.err.Terminal {
		p.stopped.Go(p.tick)
	}
	return p
}

// tick keeps the elapsed time moving while an upstream is slow.
func (p *Progress) tick() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.mu.Lock()
			p.live()
			p.mu.Unlock()
		}
	}
}

// Close removes the live line.
func (p *Progress) Close() {
	close(p.stop)
	p.stopped.Wait()
	if p.err.Terminal {
		p.err.printf(eraseLine)
	}
}

// AccountStarted implements engine.Observer.
func (p *Progress) AccountStarted(a *engine.AccountPlan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = append(p.current, clean(a.Address))
	p.live()
}

// AccountDone implements engine.Observer.
func (p *Progress) AccountDone(o engine.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	address := clean(o.Address)
	p.current = slices.DeleteFunc(p.current, func(a string) bool { return a == address })
	if !p.err.Terminal {
		p.lines.printf("%s\n", p.finished(p.mark(), address, o, Unbounded))
		return
	}
	if o.Result != engine.Done {
		line := p.finished("! ", address, o, p.err.width())
		p.err.printf("%s%s%s\n", eraseLine, p.err.style().red(line[:1]), line[1:])
	}
	p.live()
}

// AccountChecked reports an account whose token was looked at.
func (p *Progress) AccountChecked(c engine.Check) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if !p.err.Terminal {
		p.lines.printf("%s%s: %s\n", p.mark(), clean(c.Address), c.Finding)
	}
	p.live()
}

// finished is one line about an account, with why it failed: the reason first, since on
// a terminal the line is cut to what it has room for. All there is to say of it is told
// at the end.
func (p *Progress) finished(mark, address string, o engine.Outcome, width int) string {
	line := mark + address + ": " + outcomeWords(o)
	if o.Result != engine.Failed {
		return line
	}
	if room := width - columns(line) - len(": "); room >= leastMessage {
		line += ": " + cut(clean(strings.Join(strings.Fields(why(o)), " ")), room)
	}
	return line
}

// why says in a few words why an account failed.
func why(o engine.Outcome) string {
	if o.Cause != "" {
		return o.Cause
	}
	for _, d := range o.Diagnostics {
		if d.Severity == diag.Error {
			return d.Summary
		}
	}
	return o.Message
}

// mark begins a line of a log: when, and how far.
func (p *Progress) mark() string {
	return fmt.Sprintf("%s [%d/%d] ", p.now().UTC().Format(time.RFC3339), p.done, p.total)
}

// leastMessage is how many columns the beginning of a message must have to say
// anything.
const leastMessage = 16

// outcomeWords is what became of an account in a few words.
func outcomeWords(o engine.Outcome) string {
	words := pastTense(o.Action)
	switch {
	case o.Result == engine.Failed:
		return "failed"
	case o.Blocker != nil:
		return needsHuman(o.Blocker.Reason)
	case words == "":
		return "nothing left to do"
	}
	return fmt.Sprintf("%s (%s)", words, o.Reason)
}

// cut shortens a text to so many columns.
func cut(s string, room int) string {
	if runes := []rune(s); len(runes) > room {
		return string(runes[:room-1]) + "…"
	}
	return s
}

// live redraws the line, cut to the terminal's width so that it stays one.
func (p *Progress) live() {
	if !p.err.Terminal {
		return
	}
	elapsed := plan.Duration(p.now().Sub(p.started).Truncate(time.Second))
	line := fmt.Sprintf("%d/%d accounts, %s", p.done, p.total, elapsed)
	if len(p.current) > 0 {
		line += ": " + strings.Join(p.current, ", ")
	}
	p.err.printf("%s%s", eraseLine, cut(line, p.err.width()-1))
}
