package admin_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/state/admin"
	"github.com/credsync/credsync/testkit/memorysink"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// twoPlaces are an old and a new place of the state.
type twoPlaces struct {
	t        *testing.T
	from, to *memorysink.Sink
	trail    trail
	runs     int
}

func newTwoPlaces(t *testing.T) *twoPlaces {
	return &twoPlaces{t: t, from: memorysink.New(), to: memorysink.New()}
}

func storeIn(s sinks.Sink, project string) *state.Store {
	return state.NewStore(s, project, func(name string) (sinks.Target, error) {
		return sinks.Target{Path: strings.TrimSuffix("state/"+name, "/"), Location: "memory/state/" + name}, nil
	})
}

// migration is that of a process of its own; those before it are over.
func (p *twoPlaces) migration() *admin.Migration {
	p.runs++
	own := fmt.Sprintf("run-%d", p.runs)
	return &admin.Migration{
		From: storeIn(p.from, "shop"), ToSink: "memory.main",
		Records: admin.Records{
			Store: storeIn(p.to, "shop"), Project: "shop", Now: func() time.Time { return noon }, Holder: own, Audit: &p.trail,
			Where: func(holder string) processid.Whereabouts {
				if strings.HasPrefix(holder, "run-") && holder != own {
					return processid.Gone
				}
				return processid.Elsewhere
			},
		},
	}
}

func (p *twoPlaces) migrate() (done []string, problems []error, err error) {
	m := p.migration()
	found, err := m.Look(p.t.Context())
	if err != nil {
		return nil, nil, err
	}
	done, err = m.Migrate(p.t.Context(), found)
	return done, found.Problems, err
}

// record is one of an account, with the token of that id; none for "".
func record(address, token string) *state.Record {
	r := state.New("shop", address, "fake")
	if token != "" {
		r.Current = &state.Grant{
			ID:    token,
			Token: credential.Token{Access: credential.NewSecret("canary-" + token), IssuedAt: noon},
		}
	}
	return r
}

func (p *twoPlaces) put(s *memorysink.Sink, records ...*state.Record) {
	p.t.Helper()
	for _, r := range records {
		if _, err := storeIn(s, r.Project).Save(p.t.Context(), r, ""); err != nil {
			p.t.Fatal(err)
		}
	}
}

// tokens are the ids of the newest tokens by address; of no token "-".
func (p *twoPlaces) tokens(s *memorysink.Sink) string {
	p.t.Helper()
	snaps, errs := storeIn(s, "shop").View(p.t.Context()).Others(p.t.Context(), nil)
	if len(errs) > 0 {
		p.t.Fatal(errs)
	}
	var all []string
	for _, snap := range snaps {
		if snap.Record.Lease != nil && s == p.to {
			p.t.Errorf("%s is leased at the new place", snap.Record.Address)
		}
		id := "-"
		if g := snap.Record.Newest(); g != nil {
			id = g.ID
		}
		all = append(all, snap.Record.Address+"="+id)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (p *twoPlaces) want(from, to string) {
	p.t.Helper()
	if got := p.tokens(p.from); got != from {
		p.t.Errorf("the old place has %q, want %q", got, from)
	}
	if got := p.tokens(p.to); got != to {
		p.t.Errorf("the new place has %q, want %q", got, to)
	}
}

type trail struct {
	mu     sync.Mutex
	events []audit.Event
	fail   error
}

func (r *trail) Record(e audit.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail == nil {
		r.events = append(r.events, e)
	}
	return r.fail
}

func TestMigrateMovesRecordsAndLeavesOthers(t *testing.T) {
	p := newTwoPlaces(t)
	other := state.New("bank", "account.fake.a", "fake")
	p.put(p.from, record("account.fake.a", "one"), record("account.fake.b", ""), other)
	m := p.migration()
	found, err := m.Look(t.Context())
	if err != nil || found.Foreign != 1 || len(found.Steps) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	if done, err := m.Migrate(t.Context(), found); err != nil || len(done) != 2 {
		t.Fatal(done, err)
	}
	p.want("", "account.fake.a=one account.fake.b=-")
	if len(p.from.Paths()) != 1 {
		t.Errorf("the old place has %v", p.from.Paths())
	}
	if len(p.trail.events) != 4 {
		t.Fatalf("%+v", p.trail.events)
	}
	for _, e := range p.trail.events {
		if e.Action != audit.StateMigrate || e.Sink != "memory.main" || !strings.HasPrefix(e.Location, "memory/state/shop--fake-") || e.Project != "shop" {
			t.Errorf("%+v", e)
		}
	}
	if again, err := p.migration().Look(t.Context()); err != nil || len(again.Steps) != 0 {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestMigrateToTheSamePlaceDoesNothing(t *testing.T) {
	p := newTwoPlaces(t)
	p.to = p.from
	p.put(p.from, record("account.fake.a", "one"))
	if found, err := p.migration().Look(t.Context()); err != nil || !found.Same || len(found.Steps) > 0 {
		t.Fatalf("%+v, %v", found, err)
	}
}

func TestMigrateWhereTheNewPlaceHasARecord(t *testing.T) {
	rejected := func(r *state.Record, print string) *state.Record {
		r.Reject(state.Rejection{LoginPrint: print, Reason: failure.CredentialsRejected, At: noon})
		return r
	}
	copied := func(of *state.Record, token string, held ...string) *state.Record {
		r := record(of.Address, token)
		r.Key = of.Key
		for _, id := range held {
			r.PutTarget(state.Target{Place: sinks.Place(id), GrantID: id})
		}
		return r
	}
	const a = "account.fake.a"
	kept := record(a, "one")
	for name, c := range map[string]struct {
		old, now   *state.Record
		from, to   string
		rejections int
		problem    string
	}{
		"the same token":                {old: record(a, "one"), now: record(a, "one"), to: a + "=one"},
		"no token there":                {old: record(a, "one"), now: rejected(record(a, ""), "x"), to: a + "=one", rejections: 1},
		"no token at the old place":     {old: rejected(record(a, ""), "x"), now: record(a, "two"), to: a + "=two", rejections: 1},
		"no token anywhere":             {old: rejected(record(a, ""), "x"), now: rejected(record(a, ""), "y"), to: a + "=-", rejections: 2},
		"another token":                 {old: record(a, "one"), now: record(a, "two"), from: a + "=one", to: a + "=two", problem: "both locations have a token"},
		"a copy that has gone on":       {old: kept, now: copied(kept, "two", "one"), to: a + "=two"},
		"a copy, and both have gone on": {old: kept, now: copied(kept, "two"), from: a + "=one", to: a + "=two", problem: "credsync state rm"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTwoPlaces(t)
			p.put(p.from, c.old, record("account.fake.b", "b"))
			p.put(p.to, c.now)
			_, problems, err := p.migrate()
			if err != nil {
				t.Fatal(err)
			}
			p.want(c.from, c.to+" account.fake.b=b")
			if got := fmt.Sprint(problems); c.problem == "" && len(problems) > 0 || !strings.Contains(got, c.problem) ||
				strings.Contains(got, "canary") {
				t.Errorf("the problems are %s", got)
			}
			snap, err := storeIn(p.to, "shop").Load(t.Context(), a)
			if err != nil || len(snap.Record.Rejections) != c.rejections {
				t.Errorf("%v, %v", snap.Record.Rejections, err)
			}
		})
	}
}

func TestMigrateIsRefusedWhereARunIsAtWork(t *testing.T) {
	p := newTwoPlaces(t)
	held := record("account.fake.b", "b")
	held.Lease = &state.Lease{Holder: "elsewhere", ExpiresAt: noon.Add(time.Minute)}
	p.put(p.from, record("account.fake.a", "one"), held)
	if _, _, err := p.migrate(); err == nil || !strings.Contains(err.Error(), "is working on account.fake.b at the old location") {
		t.Fatal(err)
	}
	p.want("account.fake.a=one account.fake.b=b", "")
	if len(p.trail.events) > 0 {
		t.Error("something was recorded")
	}
}

// A run that takes the lease between the look and the move keeps its account, and a
// record that is written meanwhile is not overwritten.
func TestMigrateOverwritesNothing(t *testing.T) {
	for name, meddle := range map[string]func(p *twoPlaces, m *admin.Migration){
		"at the old place": func(p *twoPlaces, m *admin.Migration) {
			snap, _ := m.From.Load(p.t.Context(), "account.fake.a")
			snap.Record.Lease = &state.Lease{Holder: "elsewhere", ExpiresAt: noon.Add(time.Minute)}
			if _, err := m.From.Save(p.t.Context(), snap.Record, snap.Version); err != nil {
				p.t.Fatal(err)
			}
		},
		"at the new place": func(p *twoPlaces, _ *admin.Migration) { p.put(p.to, record("account.fake.a", "other")) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newTwoPlaces(t)
			p.put(p.from, record("account.fake.a", "one"))
			m := p.migration()
			found, err := m.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			meddle(p, m)
			if _, err := m.Migrate(t.Context(), found); !errors.Is(err, sinks.ErrConflict) ||
				!strings.Contains(err.Error(), "nothing was removed") {
				t.Fatal(err)
			}
			if got := p.tokens(p.from); got != "account.fake.a=one" {
				t.Errorf("the old place has %q", got)
			}
			snap, _ := m.From.Load(t.Context(), "account.fake.a")
			if l := snap.Record.Lease; l != nil && l.Holder != "elsewhere" {
				t.Errorf("the lease is left to %s", l.Holder)
			}
		})
	}
}

func TestMigrateKeepsTheOldRecordWhereTheNewOneIsRemovedMeanwhile(t *testing.T) {
	p := newTwoPlaces(t)
	r := record("account.fake.a", "one")
	p.put(p.from, r)
	p.put(p.to, r)
	m := p.migration()
	found, err := m.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range p.to.Paths() {
		p.to.Remove(path)
	}
	if _, err := m.Migrate(t.Context(), found); err == nil {
		t.Fatal("it did not notice")
	}
	p.want("account.fake.a=one", "")
}

func TestMigrateDoesNothingThatCannotBeRecorded(t *testing.T) {
	p := newTwoPlaces(t)
	p.put(p.from, record("account.fake.a", "one"))
	p.trail.fail = errors.New("the disk is full")
	if _, _, err := p.migrate(); err == nil || !strings.Contains(err.Error(), "could not be recorded") {
		t.Fatal(err)
	}
	p.want("account.fake.a=one", "")
}

// Whatever fails, and whether it took effect or not: no token is lost, and the next
// migration ends right.
func TestMigrateGoesOnAfterAnyFailure(t *testing.T) {
	const all = "account.fake.a=one account.fake.b=- account.fake.c=three"
	for _, op := range []string{memorysink.Stat, memorysink.Read, memorysink.Write, memorysink.Delete,
		memorysink.List} {
		for _, lost := range []bool{false, true} {
			for n := 1; ; n++ {
				p := newTwoPlaces(t)
				c := record("account.fake.c", "three")
				p.put(p.from, record("account.fake.a", "one"), record("account.fake.b", ""), c)
				p.put(p.to, c)
				count, struck := 0, false
				var mu sync.Mutex
				// From then on nothing works, as if the process had been killed.
				strike := func(o string, _ sinks.Target) error {
					mu.Lock()
					defer mu.Unlock()
					if o == op {
						count++
					}
					if struck = struck || o == op && count == n; struck {
						return sinks.ErrUnavailable
					}
					return nil
				}
				for _, s := range []*memorysink.Sink{p.from, p.to} {
					if lost {
						s.Lose = strike
					} else {
						s.Fail = strike
					}
				}
				_, _, err := p.migrate()
				p.from.Fail, p.to.Fail, p.from.Lose, p.to.Lose = nil, nil, nil, nil
				if !struck {
					break
				}
				if err == nil && op != memorysink.List && op != memorysink.Read && op != memorysink.Stat {
					t.Errorf("%s %d: the failure was not noticed", op, n)
				}
				both := p.tokens(p.from) + " " + p.tokens(p.to)
				for _, want := range strings.Fields(all) {
					if !strings.Contains(both, want) {
						t.Fatalf("%s %d: %s is lost: %s", op, n, want, both)
					}
				}
				if _, problems, err := p.migrate(); err != nil || len(problems) > 0 {
					t.Fatalf("%s %d: the next one fails: %v %v", op, n, err, problems)
				}
				p.want("", all)
				if t.Failed() {
					t.Fatalf("at %s %d", op, n)
				}
			}
		}
	}
}

func TestLeftBehind(t *testing.T) {
	p := newTwoPlaces(t)
	old, present := storeIn(p.from, "shop"), storeIn(p.to, "shop")
	want := func(n int) {
		t.Helper()
		if got := admin.LeftBehind(t.Context(), old, present); got != n {
			t.Errorf("%d accounts, want %d", got, n)
		}
	}
	want(0)
	p.put(p.from, record("account.fake.a", "one"), record("account.fake.b", "two"), state.New("bank", "account.fake.c", "fake"))
	want(2)
	p.put(p.to, record("account.fake.a", "one"))
	want(1)
	if got := admin.LeftBehind(t.Context(), old, old); got != 0 {
		t.Errorf("%d at the same place", got)
	}
}
