// Package crash kills credsync at each point between two effects, and applies
// once more.
//
// The points name themselves: a first run, which is not killed, writes them
// down in their order. So a new step is in the matrix without being added.
package crash

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/credsync/credsync/internal/crashpoint"
	"github.com/credsync/credsync/state"
)

// workers are how many programs run at once.
const workers = 4

// TestKilledAtEachPoint is the matrix, for what is chosen by the build: see
// quickmatrix_test.go and wholematrix_test.go.
func TestKilledAtEachPoint(t *testing.T) {
	matrix(t, workers, func() storage { return fileStorage{} }, inMatrix)
}

// matrix kills the chosen actions at each point.
func matrix(t *testing.T, atOnce int, newPlace func() storage, chosen func(provider, action) bool) {
	var points, lost atomic.Int64
	eachPoint(t, atOnce, newPlace, chosen, func(t *testing.T, c *recordedRun, i int) {
		points.Add(1)
		if c.killAt(t, i) {
			lost.Add(1)
		}
	})
	t.Cleanup(func() {
		t.Logf("killed at %d points; at %d of them the upstream had answered and the state did not have it yet", points.Load(), lost.Load())
	})
}

// eachPoint tries the chosen actions, with the state and the targets at places that
// newPlace makes, one for each provider and action. A place has so many worlds at a
// time.
func eachPoint(
	t *testing.T,
	atOnce int,
	newPlace func() storage,
	chosen func(provider, action) bool,
	try func(t *testing.T, c *recordedRun, i int),
) {
	slots := make(chan struct{}, workers)
	for _, p := range providers() {
		for _, a := range actions() {
			if a.of != nil && !a.of(p) || !chosen(p, a) {
				continue
			}
			at, worlds := newPlace(), make(chan struct{}, atOnce)
			t.Run(cmp.Or(p.kind, p.account.Upstream)+"/"+a.name, func(t *testing.T) {
				t.Parallel()
				whole := record(t, at, p, a, slots)
				for i, point := range whole.points {
					t.Run(point, func(t *testing.T) {
						t.Parallel()
						worlds <- struct{}{}
						defer func() { <-worlds }()
						slots <- struct{}{}
						defer func() { <-slots }()
						try(t, whole, i)
					})
				}
			})
		}
	}
}

// recordedRun is a whole run of an action, with nothing in its way.
type recordedRun struct {
	at storage
	provider
	action
	points []string
	// The requests for tokens in it and its preparation.
	logins, refreshes int
}

func (a action) command(w *world) []string {
	if a.args == nil {
		return apply
	}
	return a.args(w)
}

func (a action) prepared(t *testing.T, at storage, p provider) *world {
	w := newWorld(t, at, p, a)
	if a.prepare != nil {
		a.prepare(w)
	}
	return w
}

// record runs an action to its end and writes its points down.
func record(t *testing.T, at storage, p provider, a action, slots chan struct{}) *recordedRun {
	slots <- struct{}{}
	defer func() { <-slots }()
	w := a.prepared(t, at, p)
	file := filepath.Join(t.TempDir(), "points")
	code, out, _ := a.perform(w, "CREDSYNC_CRASHPOINTS_RECORD="+file)
	if fails := a.outage == lasts; (code == 1) != fails {
		t.Fatalf("the run that is not killed ended with %d:\n%s", code, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: the run that is not killed ended with %d:\n%s", err, code, out)
	}
	c := &recordedRun{at: at, provider: p, action: a, points: strings.Split(strings.TrimSpace(string(b)), "\n")}
	c.logins, c.refreshes = w.asked()
	w.checkRevoked(true)
	if len(c.points) < 4 {
		t.Fatalf("there are only %d points", len(c.points))
	}
	return c
}

// killAt kills the action at a point, applies once more and looks at what has
// become of the account. It reports whether the kill lost an answer.
func (c *recordedRun) killAt(t *testing.T, i int) (lost bool) {
	w := c.prepared(t, c.at, c.provider)
	_, out, killed := c.perform(w, "CREDSYNC_CRASHPOINTS_KILL="+c.points[i])
	if !killed {
		t.Fatalf("the program was not killed:\n%s", out)
	}
	if !strings.Contains(c.points[i], trail) {
		w.countCut()
	}
	lost = c.unwritten(i, false)
	access, refresh := w.newest()
	unknown := access.Value != "" && !w.knows(access.Value, refresh.Value)
	if c.loses {
		// An answer was lost before the kill, if not by it.
		lost = lost || unknown
	}
	if unknown && !lost && !c.gone && !w.noAccount {
		t.Error("P1: the upstream has handed out a token that credsync does not know")
	}
	w.checkTargets()
	w.checkRevoked(false)
	w.checkTrail()
	if c.again {
		w.must(0, c.command(w)...)
		if left, err := filepath.Glob(filepath.Join(w.dir, before, "*.json")); err != nil || len(left) > 0 {
			t.Errorf("P7: where the state was there is still %q, %v", left, err)
		}
	}
	want := c.ends
	if c.code && w.hasToken() {
		want = 0
	}
	if w.chainBroken = c.chained && lost; w.chainBroken {
		want = 3
	}
	code, out, _ := w.run(nil, apply...)
	if code != want {
		t.Fatalf("apply ended with %d, not %d:\n%s", code, want, out)
	}
	w.checkRevoked(false)
	w.check(c, lost || c.unwritten(i, true))
	w.checkTrail()
	w.checkTold(c, i)
	return lost
}

// unwritten reports whether at a point an answer of the upstream has come, or is
// about to, that is not in the state yet. Nothing but the one write of the record
// may come between a token and the state; where the state is away, it is the
// write of the emergency file. A refusal may be followed by another request
// first, with their lines in the audit trail: the login after a refresh, the key
// after a login.
func (c *recordedRun) unwritten(i int, refusal bool) bool {
	upstream := " /" + c.provider.account.Upstream + "/"
	// Whatever the account is called, its records' names begin alike.
	name := strings.ReplaceAll("default--"+strings.TrimSuffix(c.address(""), "."), "_", "-")
	for ; i >= 0; i-- {
		point := c.points[i]
		toUpstream := strings.Contains(point, upstream)
		answer := strings.HasPrefix(point, "answer")
		switch {
		case answer && strings.Contains(point, " POST"+upstream):
			return true
		case strings.HasPrefix(point, "flush "+emergencyDir+" "):
			return false
		case strings.Contains(point, " "+emergencyDir+" #"):
		case refusal && (toUpstream || strings.Contains(point, " "+trail+" #")):
		case !strings.Contains(point, name), answer, strings.HasPrefix(point, crashpoint.Published):
			return false
		}
	}
	return false
}

// checkTargets checks that no target holds a token that was not verified, and
// that what is someone else's is as it was.
func (w *world) checkTargets() {
	w.t.Helper()
	if w.at.shared(w)["OTHER"] != "1" {
		w.t.Error("P5: the key of someone else is gone")
	}
	if !w.p.verifies || w.p.static {
		// The others have no read-only request: the answer is the verification.
		return
	}
	for _, token := range w.box.Tokens(w.p.account.Upstream, w.p.account.Name) {
		if !token.Verified && w.holds(token.Value) {
			w.t.Error("P2: a target holds a token that was not verified")
		}
	}
}

func (w *world) holds(token string) bool {
	return w.at.own(w)["access_token"] == token || w.at.shared(w)["TOKEN"] == token
}

// check looks at the account after the last apply.
func (w *world) check(c *recordedRun, lost bool) {
	w.t.Helper()
	w.checkTargets()
	if files := w.leftovers(); len(files) > 0 {
		w.t.Errorf("there are unfinished files: %q", files)
	}
	if v := w.box.Violations(); len(v) > 0 {
		w.t.Errorf("the upstream was asked what it does not allow: %q", v)
	}
	w.checkAsked(c, lost)
	switch r := w.record(); {
	case w.noAccount:
		if r != nil {
			w.t.Error("P7: the removed account is still in the state")
		}
		if c.gone && (len(w.at.own(w)) > 0 || w.at.shared(w)["TOKEN"] != "") {
			w.t.Error("P7: the removed account's targets are still there")
		}
	case w.chainBroken:
		if r == nil || r.Block == nil {
			w.t.Error("P4: the chain is broken, and that a human is needed is not in the state")
		}
	case c.whole || r != nil && r.Current != nil:
		// A refresh that may have been answered is followed up, so that the newest is known.
		w.checkWhole(r, lost && (c.reuse == undescribed || c.refreshes == 0))
	case r == nil || r.Block == nil:
		w.t.Error("P4: what needs a human is not in the state")
	}
	w.checkSecond()
	logins, refreshes := w.asked()
	again, out, _ := w.run(nil, apply...)
	if again != 0 && again != 3 {
		w.t.Errorf("a second apply ended with %d:\n%s", again, out)
	}
	if l, r := w.asked(); !w.p.static && (l != logins || r != refreshes) {
		w.t.Errorf("P7: a second apply asked the upstream for %d logins and %d refreshes", l-logins, r-refreshes)
	}
}

// checkWhole wants the newest token, alive, everywhere. Where a kill took a new
// token along and the one before still lives, that one may stay.
func (w *world) checkWhole(r *state.Record, lost bool) {
	w.t.Helper()
	if r == nil || r.Current == nil || r.Pending != nil {
		w.t.Fatalf("P7: the record is not in order")
	}
	token := r.Current.Token.Access.Reveal()
	if access, refresh := w.newest(); !w.p.static && !lost &&
		(access.Value != token || refresh.Value != r.Current.Token.Refresh.Reveal()) {
		w.t.Error("P1: the upstream has handed out a newer token than the state has")
	}
	if _, live := w.box.Live(w.p.account.Upstream, token); !live {
		w.t.Error("P7: the state's token is dead")
	}
	if w.at.own(w)["access_token"] != token || w.at.shared(w)["TOKEN"] != token {
		w.t.Error("P7: a target does not hold the token")
	}
}

// checkSecond wants what checkWhole does of the second account, which has logged in
// once.
func (w *world) checkSecond() {
	w.t.Helper()
	if w.second == "" {
		return
	}
	r := w.recordOf(w.second)
	if r == nil || r.Current == nil || r.Pending != nil || r.Parked != nil {
		w.t.Fatalf("P7: the second record is not in order")
	}
	token := r.Current.Token.Access.Reveal()
	if login, live := w.box.Live(w.p.account.Upstream, token); !live || login != w.secondLogin() {
		w.t.Errorf("P7: the second record has a token of %s, alive: %t", login, live)
	}
	if w.at.second(w)["access_token"] != token || w.at.shared(w)["SECOND"] != token {
		w.t.Error("P7: a target of the second account does not hold its token")
	}
	if n := w.box.Counters(w.p.account.Upstream, w.secondLogin()).Logins.Received; n != 1 && !w.p.chained {
		w.t.Errorf("P8: the second account has logged in %d times", n)
	}
}

// checkAsked checks how often the upstream was asked for a token: as often as
// with no kill, and once more only where the kill took its answer along. A
// refresh that was refused, or that works once and was lost, is asked for again
// in vain before the login that follows it.
func (w *world) checkAsked(c *recordedRun, lost bool) {
	w.t.Helper()
	if c.static {
		return
	}
	logins, refreshes := w.asked()
	more := logins + refreshes - c.logins - c.refreshes
	bound := 0
	if lost {
		bound = 1
	}
	if refused := c.logins > 1; lost && c.refreshes > 0 && (c.spends || refused) {
		bound = 2
	}
	if w.p.reuse == graceful && c.logins == 1 && c.refreshes > 0 && logins > 1 {
		w.t.Error("P1: within the grace period of the refresh token, a kill cost a login")
	}
	if more > bound || logins-c.logins > 1 {
		w.t.Errorf("P8: %d more requests for a token than without the kill, %d are allowed", more, bound)
	}
}
