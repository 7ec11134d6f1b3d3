package crash

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/state"
)

// trail is the audit trail, and hookPath the path of the notify block's URL.
const (
	trail    = "audit.jsonl"
	hookPath = "/hook"
)

// watched are actions with an audit trail and a notify block.
func watched() []action {
	wrong := func(w *world) { w.secret = w.p.wrong }
	// Of a chain, the upstream does not count what the trail calls a login.
	issues := func(p provider) bool { return !p.static && !p.chained }
	return []action{
		{
			name:    "refresh, watched",
			whole:   true,
			watched: true,
			of:      func(p provider) bool { return p.refreshes && !p.chained },
			prepare: func(w *world) {
				due(w)
				w.tear()
			},
		},
		{
			name:    "refresh that is refused, watched",
			whole:   true,
			soak:    true,
			watched: true,
			of:      func(p provider) bool { return p.refreshes && !p.chained },
			prepare: revoked,
		},
		{
			name:    "delete, watched",
			gone:    true,
			deletes: true,
			soak:    true,
			watched: true,
			prepare: func(w *world) { applied(w); w.noAccount = true },
		},
		{name: "blocked, watched", ends: 3, watched: true, of: issues, prepare: wrong, told: []string{"blocked"}},
		{name: "recovered, watched", whole: true, soak: true, watched: true, of: issues, told: []string{"blocked", "recovered"}, prepare: func(w *world) {
			wrong(w)
			w.must(3, apply...)
			w.secret = w.p.secret
		}},
	}
}

// webhook is a webhook that keeps what it is told.
type webhook struct {
	url  string
	mu   sync.Mutex
	told []string
}

func (h *webhook) start(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		if err != nil {
			// The program was killed within the message.
			return
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.told = append(h.told, string(b))
	}))
	t.Cleanup(s.Close)
	h.url = s.URL + hookPath
}

func (h *webhook) blocks() string {
	return fmt.Sprintf("audit {\n  path = %q\n}\nnotify \"webhook\" \"hook\" {\n  url  = %q\n  body = event.kind\n}\n", trail, h.url)
}

func (h *webhook) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.told)
}

// tornLine is what tear leaves.
const tornLine = `{"type":"aud`

// tear leaves a part of a line at the end of the audit trail, as a full disk
// does.
func (w *world) tear() {
	f, err := os.OpenFile(filepath.Join(w.dir, trail), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(tornLine); err != nil {
		w.t.Fatal(err)
	}
	w.torn++
}

// countCut counts the line that the kill has cut off, if it has: targets are
// written at the same time, so that one may have been telling the trail of itself
// while the kill was at another.
func (w *world) countCut() {
	text := w.read(trail)
	if last := text[strings.LastIndex(text, "\n")+1:]; w.watched && last != "" && last != tornLine {
		w.torn++
	}
}

// checkTrail checks that the audit trail has whole lines, that each request for
// a token was recorded before it was made, and that no more than the one at
// which the program was killed was recorded and not made.
func (w *world) checkTrail() {
	w.t.Helper()
	if !w.watched {
		return
	}
	started, torn := map[string]int{}, 0
	begun := map[string]bool{}
	for line := range strings.Lines(w.read(trail)) {
		var event struct{ ID, Action, Outcome string }
		if json.Unmarshal([]byte(line), &event) != nil {
			torn++
			continue
		}
		switch {
		case event.Outcome == "started":
			started[event.Action]++
			begun[event.ID] = true
		case slices.Contains([]string{"login", "refresh", "delete"}, event.Action) && !begun[event.ID]:
			w.t.Errorf("the audit trail has the end of a %s and not its beginning", event.Action)
		}
	}
	if torn != w.torn {
		w.t.Errorf("the audit trail has %d lines that are not whole:\n%s", torn-w.torn, w.read(trail))
	}
	if w.p.static {
		return
	}
	logins, refreshes := w.asked()
	for action, asked := range map[string]int{"login": logins, "refresh": refreshes} {
		if n := started[action]; n < asked || n > asked+1 {
			w.t.Errorf("the audit trail has %d times that a %s was started, and the upstream was asked for %d", n, action, asked)
		}
	}
}

// checkTold checks that each change was told once, and twice only where the
// program was killed between the message and remembering it.
func (w *world) checkTold(c *recordedRun, i int) {
	w.t.Helper()
	if !w.watched {
		return
	}
	// By now no message is taken to be on its way.
	w.advance(3 * time.Minute)
	w.must(c.ends, apply...)
	w.must(c.ends, apply...)
	told := w.hook.all()
	if again := slices.Compact(slices.Clone(told)); c.mayRepeat(i) && slices.Equal(again, c.told) &&
		len(told) == len(again)+1 {
		return
	}
	if !slices.Equal(told, c.told) {
		w.t.Errorf("the webhook was told %q, and not %q", told, c.told)
	}
}

// mayRepeat reports whether a point is after a message, and before the write of
// the record that says that it has arrived.
func (c *recordedRun) mayRepeat(i int) bool {
	sent := slices.IndexFunc(c.points, func(point string) bool { return strings.HasPrefix(point, "send POST "+hookPath+" ") })
	if sent < 0 || i <= sent {
		return false
	}
	name := state.RecordName("default", "account."+c.address("a"))
	remembered := slices.IndexFunc(c.points[sent:], func(point string) bool {
		written := strings.HasPrefix(point, "answer lost") && !strings.HasPrefix(point, "answer lost GET")
		return strings.Contains(point, name) && (written || strings.HasPrefix(point, crashpoint.Published))
	})
	return remembered < 0 || i < sent+remembered
}
