package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// walk goes from one edit of a configuration to the next at random, applies some of
// them, and watches every change that the engine makes at the targets and every login.
type walk struct {
	watch
	mu sync.Mutex
	w  *world
	e  *editor
	// d is the configuration as it is.
	d     *drawing
	older []*drawing
	// tidy walks delete what they no longer want, apply all accounts each time, and have
	// no strangers, so that nothing may be left behind.
	tidy bool
	// kills are walks whose runs end for good now and then, at operation dies of this
	// one; dead says that it has.
	kills     bool
	dies, ops int
	dead      bool
	stop      context.CancelFunc
	deadOnes  map[string]bool
	runs      int
	strangers int
	broken    []string
	trail     []string
}

var planAll engine.Request

// walkKind is how a walk goes.
type walkKind struct {
	marks, mixed, tidy, kills bool
}

func newWalk(t *testing.T, seed uint64, kind walkKind) *walk {
	k := &walk{w: newWorld(t, ""), tidy: kind.tidy, kills: kind.kills, d: firstDrawing(), deadOnes: map[string]bool{}}
	k.watch = watch{
		seen:      map[string]contents{},
		guarded:   map[string]map[string]bool{},
		asked:     map[string]bool{},
		homes:     map[string]string{},
		exchanged: map[string]string{},
		rejected:  map[string]bool{},
	}
	k.e = &editor{Rand: rand.New(rand.NewPCG(seed, 0)), users: new(int), spent: map[[2]string]bool{}, tidy: kind.tidy}
	k.w.concurrency = 1
	k.w.alive = func(holder string) bool { return !k.deadOnes[holder] }
	k.w.sinks["third"] = memorysink.New()
	for i, server := range walkServers {
		k.w.unmarked[server] = !kind.marks || kind.mixed && i > 0
		k.w.sinks[server].Fail = func(op string, t sinks.Target) error { return k.operation(op + " " + server) }
		k.w.sinks[server].Lose = func(op string, t sinks.Target) error {
			if op == memorysink.Write || op == memorysink.Delete {
				k.changed(op, t, server+"/"+t.Path)
			}
			return k.answer()
		}
	}
	k.w.sinks["state"].Fail = func(op string, _ sinks.Target) error { return k.operation(op + " state") }
	k.w.sinks["state"].Lose = func(string, sinks.Target) error { return k.answer() }
	k.w.up.onLoginAs, k.w.up.onRequest = k.login, func(what string) error { return k.operation(what) }
	for _, a := range k.d.accounts {
		a.deletes = kind.tidy || a.address == "b"
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

// operation is before one of the engine; from the one at which a run dies on, all fail.
func (k *walk) operation(what string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ops++
	if k.dies > 0 && k.ops == k.dies {
		k.note("  killed at %s", what)
		k.kill()
	}
	return k.ifDead()
}

// answer is after an operation: a run that dies then does not learn of it.
func (k *walk) answer() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dies < 0 && k.ops >= -k.dies && !k.dead {
		k.note("  killed at the answer of operation %d", k.ops)
		k.kill()
	}
	return k.ifDead()
}

func (k *walk) kill() {
	k.dead = true
	k.stop()
}

func (k *walk) ifDead() error {
	if k.dead {
		return &failure.Error{Class: failure.Unavailable, Op: "reach", Message: "this run is dead"}
	}
	return nil
}

// step is an edit, perhaps a stranger's doing, and perhaps an apply.
func (k *walk) step() {
	if k.halfExchanged() {
		// An edit of the names or the project would leave it so; see exchangeOf.
		k.apply()
		return
	}
	k.older = append(k.older, k.d)
	k.e.older, k.e.former = k.older, k.hasFormerRecords()
	var name string
	k.d, name = k.e.draw(k.d)
	k.w.hcl = k.d.hcl()
	k.note("%s: %s", name, k.d)
	if !k.tidy && k.e.IntN(4) == 0 {
		k.strange()
	}
	if k.e.IntN(12) == 0 {
		k.note("10 days pass")
		k.w.advance(10 * 24 * time.Hour)
	}
	if k.e.IntN(3) > 0 {
		k.apply()
	}
}

func (k *walk) hasFormerRecords() bool {
	for id := range k.records() {
		if !strings.HasPrefix(id, k.d.project+"/") {
			return true
		}
	}
	return false
}

// halfExchanged reports whether a run was killed between two records that exchange names.
func (k *walk) halfExchanged() bool {
	for id := range k.records() {
		if strings.HasPrefix(id, "parked") {
			return true
		}
	}
	return false
}

// apply applies the configuration in one of the ways there are.
func (k *walk) apply() {
	k.runs++
	k.w.holder = fmt.Sprintf("runner-%d", k.runs)
	k.dies, k.ops, k.dead = 0, 0, false
	if k.kills && k.e.IntN(2) == 0 {
		k.dies = 1 + k.e.IntN(60)
		if k.e.IntN(2) == 0 {
			k.dies = -k.dies
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	defer stop()
	k.fresh = map[[2]string]bool{}
	for _, m := range k.d.moved {
		pair := pairOf(m[0], m[1])
		k.fresh[pair] = k.fresh[pair] || !k.e.spent[pair]
	}
	for pair := range k.fresh {
		k.e.spent[pair] = true
	}
	switch way := k.e.IntN(6); {
	case way == 0 && !k.tidy:
		k.applyOne(ctx)
	case way == 1 && !k.tidy:
		k.applyShard(ctx)
	case way == 2:
		k.applyAsDaemon(ctx)
	default:
		k.applyAll(ctx)
	}
	k.afterwards()
}

// afterwards takes a dead run out of the way, and looks at what the apply has left.
func (k *walk) afterwards() {
	killed := k.dead
	k.dies, k.dead = 0, false
	k.end(killed)
	if !killed {
		return
	}
	files, _ := filepath.Glob(filepath.Join(k.w.emergency, "*"))
	for _, f := range files {
		_ = os.Remove(f) // a dead run writes none
	}
	if k.e.IntN(2) == 0 {
		k.deadOnes[k.w.holder] = true
	} else {
		k.w.advance(3 * time.Minute)
	}
}

func everyAccount(*drawnAccount) bool { return true }

func (k *walk) applyAll(ctx context.Context) {
	k.note("apply")
	k.begin(everyAccount)
	k.w.applyWith(ctx, planAll)
	if k.dead {
		return
	}
	for pair := range k.e.spent {
		if !slices.ContainsFunc(k.d.moved, func(m [2]string) bool { return pairOf(m[0], m[1]) == pair }) {
			delete(k.e.spent, pair)
		}
	}
}

func (k *walk) applyOne(ctx context.Context) {
	chosen := k.e.IntN(len(k.d.accounts))
	a := k.d.accounts[chosen]
	k.note("apply --target %s", a.address)
	k.begin(func(b *drawnAccount) bool { return a == b })
	k.w.applyWith(ctx, engine.Request{Targets: []string{"fake." + a.address}})
}

func (k *walk) applyShard(ctx context.Context) {
	shard, err := address.ParseShard(fmt.Sprintf("%d/2", k.e.IntN(2)), "")
	if err != nil {
		k.w.t.Fatal(err)
	}
	k.note("apply --shard")
	k.begin(func(a *drawnAccount) bool { return shard.Has("account.fake." + a.address) })
	k.w.applyWith(ctx, engine.Request{Shard: shard})
}

func (k *walk) applyAsDaemon(ctx context.Context) {
	k.note("apply one by one")
	k.begin(everyAccount)
	e := k.w.engine()
	for _, i := range k.e.Perm(len(k.d.accounts)) {
		e.ApplyAccount(ctx, e.PlanAccount(ctx, "account.fake."+k.d.accounts[i].address, false))
	}
	p, err := e.PlanRemoved(ctx, nil)
	if err != nil {
		return
	}
	for _, ap := range p.Accounts {
		e.ApplyAccount(ctx, ap)
	}
}

// run walks, and tells how it came to what it found.
func (k *walk) run(seed uint64, steps int) {
	k.w.t.Helper()
	k.w.hcl = k.d.hcl()
	for range steps {
		k.step()
		k.report(seed)
	}
	k.finish()
	k.report(seed)
}

func (k *walk) report(seed uint64) {
	k.w.t.Helper()
	if len(k.broken) == 0 {
		return
	}
	last := ""
	if n := len(k.older); n > 0 {
		last = k.older[n-1].hcl()
	}
	trail := k.trail[max(0, len(k.trail)-80):]
	k.w.t.Fatalf("seed %d:\n%s\nafter\n  %s\n\nwith\n%s\nbefore\n%s", seed, strings.Join(k.broken, "\n"), strings.Join(trail, "\n  "), k.w.hcl, last)
}

// walkKinds are the kinds of walks; each is walked with seeds of its own.
var walkKinds = map[string]walkKind{
	"marks":          {marks: true},
	"cannot mark":    {},
	"mixed":          {marks: true, mixed: true},
	"tidy":           {marks: true, tidy: true},
	"tidy unmarked":  {tidy: true},
	"kills":          {marks: true, kills: true},
	"kills unmarked": {kills: true},
}

func walkAll(t *testing.T, seeds, steps int) {
	for name, kind := range walkKinds {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				newWalk(t, uint64(seed), kind).run(uint64(seed), steps)
			})
		}
	}
}

// TestWalkOfEdits is a few short walks; the soak goes further.
func TestWalkOfEdits(t *testing.T) { walkAll(t, 3, 40) }
