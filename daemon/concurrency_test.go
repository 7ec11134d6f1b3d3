package daemon

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// A slow state makes a sweep take longer than a reload; the sweep that is under
// way must not be joined by another.
func TestSweepsDoNotOverlap(t *testing.T) {
	inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
		var mu sync.Mutex
		sweeps, most := 0, 0
		w.sinks["state"].Fail = func(op string, _ sinks.Target) error {
			// Who logs in for the first time lists the state as well.
			if op != memorysink.List || !strings.Contains(string(debug.Stack()), ".sweep(") {
				return nil
			}
			mu.Lock()
			sweeps++
			most = max(most, sweeps)
			mu.Unlock()
			time.Sleep(20 * time.Second)
			mu.Lock()
			sweeps--
			mu.Unlock()
			return nil
		}
		d := w.start("runner")
		for i := range 10 {
			w.write(head + account("a", "") + account(fmt.Sprint("b", i), ""))
			wait(7 * time.Second)
		}
		d.end()
		if most != 1 {
			t.Errorf("%d sweeps at once", most)
		}
	})
}

// Whatever is changed while whatever is under way, each account has a live token
// in the end, and none was logged in to twice for nothing.
func TestAccountsThatComeAndGoUnderWay(t *testing.T) {
	const accounts = 20
	config := func(from, to int) string {
		hcl := head
		for i := from; i < to; i++ {
			hcl += account(fmt.Sprint("a", i), fmt.Sprintf("name = \"a%d\"", i))
		}
		return hcl
	}
	inWorld(t, config(0, accounts), func(t *testing.T, w *world) {
		w.up.slow(3 * time.Second)
		d := w.start("runner", func(o *Options) { o.Concurrency = 5 })
		for i := range 10 {
			w.write(config(i, accounts-i))
			wait(3 * time.Second)
		}
		w.write(config(0, accounts))
		wait(5 * time.Minute)
		for i := range accounts {
			name := fmt.Sprint("a", i)
			if w.delivered(name) == "" || w.up.of(name) != 1 {
				t.Errorf("%s has the token %q after %d logins", name, w.delivered(name), w.up.of(name))
			}
		}
		if strings.Contains(w.lines.String(), "[ERROR]") {
			t.Error("there were errors")
		}
		d.end()
	})
}

// A thousand accounts start without asking any upstream more than they must.
func TestManyAccountsAtTheStart(t *testing.T) {
	hcl := head + `account "fake" "a" {
  for_each = toset([for i in range(1000) : tostring(i)])
  name     = each.key
  password = "pw"
  lifetime = "100h"
  deliver "memory" "main" { path = "a/${each.key}" }
}
`
	inWorld(t, hcl, func(t *testing.T, w *world) {
		d := w.start("runner", seldom)
		wait(time.Minute)
		w.expect(1000)
		d.end()
		verified := w.up.verified()
		d = w.start("runner again", seldom)
		wait(startSpread)
		if got := len(d.Plan().Accounts); got != 1000 {
			t.Errorf("%d accounts were looked at", got)
		}
		if n := w.up.verified() - verified; n > 150 {
			t.Errorf("%d verifications within %s of a restart", n, startSpread)
		}
		wait(DefaultCheckEvery * 5 / 4)
		if n := w.up.verified() - verified; n < 1000 || n > 1350 {
			t.Errorf("%d verifications in the first interval", n)
		}
		w.expect(1000)
		d.end()
	})
}
