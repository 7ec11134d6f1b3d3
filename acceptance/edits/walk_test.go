//go:build acceptance

package edits

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/schema/address"
)

// walk goes from one edit of a configuration to the next at random, applies some of
// them, and looks before and after each run at what is everywhere.
type walk struct {
	watch
	t     *testing.T
	w     *world
	e     *editor
	c     *configuration
	older []*configuration
	kind  walkKind
	runs  map[string]int
	// strangers counts what they have put somewhere.
	strangers int
	broken    []string
	trail     []string
	// last is the run that was the last one.
	last ran
}

// walkKind is how a walk goes.
type walkKind struct {
	stateIn string
	// tidy walks delete what they no longer want, apply all accounts each time, and have
	// no strangers, so that nothing may be left behind.
	tidy bool
	// kills are walks whose runs are killed now and then.
	kills bool
}

var walkKinds = map[string]walkKind{
	"strangers":       {stateIn: "vault"},
	"tidy":            {stateIn: "files", tidy: true},
	"kills":           {stateIn: "kube", kills: true},
	"kills, and tidy": {stateIn: "vault", tidy: true, kills: true},
}

// walkAll walks each kind with some seeds. CREDSYNC_WALK, which is KIND/SEED/STEPS, walks
// that one only.
func walkAll(t *testing.T, seeds, steps int) {
	var only string
	var onlySeed uint64
	if v := os.Getenv("CREDSYNC_WALK"); v != "" {
		parts := strings.Split(v, "/")
		if _, err := fmt.Sscan(parts[1]+" "+parts[2], &onlySeed, &steps); err != nil {
			t.Fatal(err)
		}
		only = parts[0]
	}
	m := startMachines(t)
	for name, kind := range walkKinds {
		for seed := range uint64(seeds) {
			if only != "" && (name != only || seed > 0) {
				continue
			}
			seed := seed + onlySeed
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				t.Parallel()
				k := newWalk(t, m, seed, kind)
				defer func() { t.Logf("CREDSYNC_WALK='%s/%d/%d': %v", name, seed, steps, k.runs) }()
				k.walk(steps)
			})
		}
	}
}

// TestWalkOfEdits is a short walk of each kind; the soak goes further.
func TestWalkOfEdits(t *testing.T) { walkAll(t, 1, 12) }

func newWalk(t *testing.T, m *machines, seed uint64, kind walkKind) *walk {
	k := &walk{
		t:     t,
		w:     newWorld(t, m),
		kind:  kind,
		c:     newConfiguration(kind.stateIn),
		runs:  map[string]int{},
		watch: newWatch(),
	}
	k.e = &editor{
		Rand:    rand.New(rand.NewPCG(seed, 0)),
		newUser: k.w.newUser,
		spent:   map[[2]string]bool{},
		tidy:    kind.tidy,
	}
	for _, a := range k.c.accounts {
		a.user, a.deletes = k.w.newUser(a.upstream()), kind.tidy || a.address == "bifit_kassa.b"
	}
	return k
}

func (k *walk) breaks(format string, args ...any) {
	k.broken = append(k.broken, fmt.Sprintf(format, args...))
}

// note keeps the way that the walk has gone.
func (k *walk) note(format string, args ...any) {
	k.trail = append(k.trail, fmt.Sprintf(format, args...))
}

// walk walks, and tells how it came to what it found.
func (k *walk) walk(steps int) {
	k.t.Helper()
	k.see()
	for range steps {
		k.step()
		k.report()
	}
	k.finish()
	k.report()
}

func (k *walk) report() {
	k.t.Helper()
	if v := k.w.box.Violations(); len(v) > 0 {
		k.breaks("the upstream was asked what it does not allow: %q", v)
	}
	if len(k.broken) == 0 {
		return
	}
	k.t.Fatalf("%s\nafter\n  %s\n\nwith\n%s\nwhose last run, %v, ended with %d:\n%s\n%s", strings.Join(k.broken, "\n"), strings.Join(k.trail[max(0, len(k.trail)-60):], "\n  "),
		k.c.hcl(k.w), k.last.killed, k.last.code, k.last.output, strings.Join(k.last.points, "\n"))
}

// step is an edit, perhaps a stranger's doing, and perhaps an apply.
func (k *walk) step() {
	if k.halfExchanged() {
		// An edit of the names or the project would leave it so: both accounts would
		// have the other's name for ever.
		k.apply()
		return
	}
	k.older = append(k.older, k.c)
	k.e.older, k.e.former = k.older, k.hasFormerRecords()
	before := k.c
	var name string
	k.c, name = k.e.draw(k.c)
	k.note("%s: %s", name, k.c)
	if before.stateIn != k.c.stateIn {
		k.migrate(before)
	}
	if !k.kind.tidy && k.e.IntN(4) == 0 {
		k.strange()
	}
	if k.e.IntN(12) == 0 {
		k.note("20 hours pass")
		k.w.advance(20 * time.Hour)
	}
	if k.e.IntN(3) > 0 {
		k.apply()
	}
}

func (k *walk) hasFormerRecords() bool {
	for id := range k.w.records(k.c.stateIn) {
		if !strings.HasPrefix(id, k.c.project+"/") {
			return true
		}
	}
	return false
}

// halfExchanged reports whether a run was killed between two records that exchange names.
func (k *walk) halfExchanged() bool {
	for id := range k.w.records(k.c.stateIn) {
		if strings.HasPrefix(id, "parked") {
			return true
		}
	}
	return false
}

// run runs the program, and kills it now and then where that is the walk's kind.
func (k *walk) run(most int, done func(string) bool, args ...string) ran {
	kill := 0
	if k.kind.kills && k.e.IntN(2) == 0 {
		kill = 1 + k.e.IntN(most)
	}
	k.last = k.w.run(k.c, kill, done, args...)
	k.runs[args[0]]++
	if k.last.killed {
		k.runs["killed"]++
		k.note("  killed at %s", k.last.points[len(k.last.points)-1])
		// The emergency file of a run that is dead is never written whole.
		_ = os.RemoveAll(filepath.Join(k.w.dir, "emergency"))
	}
	return k.last
}

// migrate has the records moved to where the configuration now says.
func (k *walk) migrate(from *configuration) {
	k.w.write("old/main.hcl", from.hcl(k.w))
	before := k.w.records(from.stateIn)
	for k.run(20, nil, "state", "migrate", "--from", "../old", "--auto-approve").killed {
	}
	if k.last.code != 0 {
		k.breaks("state migrate ended with %d", k.last.code)
	}
	after, left := k.w.records(k.c.stateIn), k.w.records(from.stateIn)
	for id, r := range before {
		now := after[id]
		if now == nil || (r.Newest() == nil) != (now.Newest() == nil) ||
			r.Newest() != nil && r.Newest().ID != now.Newest().ID ||
			len(r.Targets) != len(now.Targets) ||
			len(r.Rejections) != len(now.Rejections) {
			k.breaks("P1: the record %s did not go along to %s", id, k.c.stateIn)
		}
	}
	if len(left) > 0 || len(after) != len(before) {
		k.breaks("P7: after the migration there are %d records at %s and %d at %s; there were %d", len(left), from.stateIn, len(after), k.c.stateIn, len(before))
	}
}

// apply applies the configuration in one of the ways there are.
func (k *walk) apply() {
	k.fresh = map[[2]string]bool{}
	for _, m := range k.c.moved {
		pair := pairOf(m[0], m[1])
		k.fresh[pair] = k.fresh[pair] || !k.e.spent[pair]
	}
	for pair := range k.fresh {
		k.e.spent[pair] = true
	}
	all := true
	switch way := k.e.IntN(6); {
	case way == 0 && !k.kind.tidy:
		chosen := pick(k.e, k.c.accounts)
		k.applyWith(func(a *account) bool { return a == chosen }, "--target", chosen.address)
		all = false
	case way == 1 && !k.kind.tidy:
		i := k.e.IntN(2)
		shard, err := address.ParseShard(fmt.Sprintf("%d/2", i), "")
		if err != nil {
			k.t.Fatal(err)
		}
		k.applyWith(func(a *account) bool { return shard.Has("account." + a.address) }, "--shard", fmt.Sprintf("%d/2", i))
		all = false
	case way == 2:
		k.letDaemonApply()
		all = false
	default:
		k.applyWith(everyAccount)
	}
	if k.last.killed || !all {
		return
	}
	for pair := range k.e.spent {
		if !slices.ContainsFunc(k.c.moved, func(m [2]string) bool { return pairOf(m[0], m[1]) == pair }) {
			delete(k.e.spent, pair)
		}
	}
}

func everyAccount(*account) bool { return true }

func (k *walk) applyWith(covers func(*account) bool, args ...string) {
	k.note("apply %s", strings.Join(args, " "))
	k.begin(covers)
	k.run(60, nil, append([]string{"apply", "--auto-approve", "--allow-removal", "--concurrency", "1"}, args...)...)
	k.end(k.last.killed)
	if !k.last.killed && k.last.code != 0 && k.last.code != 3 {
		k.breaks("apply ended with %d", k.last.code)
	}
}

// letDaemonApply has the daemon look at each account, and stops it. It removes nothing
// so soon.
func (k *walk) letDaemonApply() {
	k.note("run")
	k.begin(everyAccount)
	k.run(60, func(log string) bool {
		return !slices.ContainsFunc(k.c.accounts, func(a *account) bool {
			quoted := strings.Trim(fmt.Sprintf("%q", "account."+a.address), `"`)
			said, _ := regexp.MatchString(`: address="?`+regexp.QuoteMeta(quoted)+`["\s]`, log)
			return !said
		})
	}, "run", "--concurrency", "1", "--check-every", "24h", "--log-level", "debug")
	k.end(k.last.killed)
	if !k.last.killed && k.last.code != 0 {
		k.breaks("run ended with %d", k.last.code)
	}
}
