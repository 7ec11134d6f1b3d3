package state_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
)

// A record can go between the list and its reading: another run has carried out what was
// to be done with it.
func TestARecordThatGoesWhileItIsLookedForIsNoneOfTheOthers(t *testing.T) {
	sink := memorysink.New()
	s := newStore(sink)
	save(t, s, "account.x.a", "account.x.b")
	v := s.View(t.Context())
	if v.Count() != 2 {
		t.Errorf("%d records", v.Count())
	}
	snap, err := s.Load(t.Context(), "account.x.a")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "account.x.a", snap.Version); err != nil {
		t.Fatal(err)
	}
	gone, errs := v.Others(t.Context(), nil)
	if len(errs) != 0 || len(gone) != 1 || gone[0].Record.Address != "account.x.b" {
		t.Errorf("Others = %+v, %v", gone, errs)
	}
	if snap, err := v.Load(t.Context(), "account.x.a"); err != nil || snap.Record != nil {
		t.Errorf("Load = %+v, %v", snap, err)
	}
	// And it can come: a view knows of what there was, and a write finds out.
	save(t, s, "account.x.c")
	if snap, err := v.Load(t.Context(), "account.x.c"); err != nil || snap.Record != nil || snap.Version != "" {
		t.Errorf("Load of what has come since = %+v, %v", snap, err)
	}
	if _, err := s.Save(t.Context(), state.New("p", "account.x.c", "x"), ""); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("a write over what has come since: %v", err)
	}
}

// Whatever the sink says of a call goes to whoever asked, and nothing counts as done.
func TestNoErrorOfTheSinkIsLost(t *testing.T) {
	broken := errors.New("the sink is broken")
	for op, call := range map[string]func(context.Context, *state.Store) error{
		memorysink.Read: func(ctx context.Context, s *state.Store) error { _, err := s.Load(ctx, "account.x.a"); return err },
		memorysink.Write: func(ctx context.Context, s *state.Store) error {
			_, err := s.Save(ctx, state.New("p", "account.x.b", "x"), "")
			return err
		},
		memorysink.Delete: func(ctx context.Context, s *state.Store) error { return s.Delete(ctx, "account.x.a", "1") },
		memorysink.Stat:   func(ctx context.Context, s *state.Store) error { _, err := s.Version(ctx, "account.x.a"); return err },
		memorysink.List: func(ctx context.Context, s *state.Store) error {
			_,
				err := s.OtherProjects(ctx)
			return err
		},
		memorysink.Scan: func(ctx context.Context, s *state.Store) error {
			_, errs := s.View(ctx).Others(ctx, nil)
			return errors.Join(errs...)
		},
	} {
		sink := memorysink.New()
		s := bulkStore(sink)
		save(t, s, "account.x.a")
		sink.Fail = failing(op, broken)
		if err := call(t.Context(), s); !errors.Is(err, broken) {
			t.Errorf("%s: %v", op, err)
		}
	}
	sink := memorysink.New()
	s := newStore(sink)
	save(t, s, "account.x.a")
	sink.Fail = failing(memorysink.List, broken)
	if _, errs := s.View(t.Context()).Others(t.Context(), nil); len(errs) != 1 || !errors.Is(errs[0], broken) {
		t.Errorf("a list that fails: %v", errs)
	}
}

// A place can be refused for a name, or as a whole.
func TestNoErrorOfAPlaceIsLost(t *testing.T) {
	broken := errors.New("no such place")
	for failsAt, calls := range map[string]map[string]func(*state.Store) error{
		"all": {
			"view":           func(s *state.Store) error { _, err := s.View(t.Context()).Load(t.Context(), "account.x.a"); return err },
			"other projects": func(s *state.Store) error { _, err := s.OtherProjects(t.Context()); return err },
			"target":         func(s *state.Store) error { _, err := s.Target(""); return err },
		},
		"record": {
			"load": func(s *state.Store) error { _, err := s.Load(t.Context(), "account.x.a"); return err },
			"save": func(s *state.Store) error {
				_, err := s.Save(t.Context(), state.New("p", "account.x.a", "x"), "")
				return err
			},
			"delete":  func(s *state.Store) error { return s.Delete(t.Context(), "account.x.a", "1") },
			"version": func(s *state.Store) error { _, err := s.Version(t.Context(), "account.x.a"); return err },
			"place":   func(s *state.Store) error { _, err := s.Place(t.Context()); return err },
			"target":  func(s *state.Store) error { _, err := s.Target("account.x.a"); return err },
			"view":    func(s *state.Store) error { _, err := s.View(t.Context()).Load(t.Context(), "account.x.a"); return err },
			"others": func(s *state.Store) error {
				_, errs := s.View(t.Context()).Others(t.Context(), nil)
				return errors.Join(errs...)
			},
			"other projects": func(s *state.Store) error { _, err := s.OtherProjects(t.Context()); return err },
		},
		"one account's": {
			"view": func(s *state.Store) error {
				_, err := s.View(t.Context()).Load(t.Context(), "account.x.odd")
				return err
			},
			"others": func(s *state.Store) error {
				_, errs := s.View(t.Context()).Others(t.Context(), []string{"account.x.odd"})
				return errors.Join(errs...)
			},
		},
	} {
		for name, call := range calls {
			for _, sink := range []sinks.Sink{memorysink.New(), memorysink.Bulk{Sink: memorysink.New()}} {
				s := state.NewStore(sink, "p", func(name string) (sinks.Target, error) {
					if failsAt == "all" && name == "" || failsAt == "record" && name != "" || strings.Contains(name, "odd") {
						return sinks.Target{}, broken
					}
					return sinks.Target{Path: "state/" + name}, nil
				})
				if err := call(s); !errors.Is(err, broken) {
					t.Errorf("%s, %s: %v", failsAt, name, err)
				}
			}
		}
	}
}

func TestOtherProjectsAreCountedByTheirNames(t *testing.T) {
	for prefix, place := range map[string]func(string) string{
		"":      func(name string) string { return "state/" + name },
		"pre-":  func(name string) string { return "state/pre-" + name },
		".json": func(name string) string { return "state/" + name + ".json" },
	} {
		sink := memorysink.New()
		at := func(name string) (sinks.Target, error) {
			if name == "" {
				return sinks.Target{Path: "state", Location: "state"}, nil
			}
			return sinks.Target{Path: place(name), Location: place(name)}, nil
		}
		stores := map[string]*state.Store{}
		for _, project := range []string{"mine", "theirs", "others"} {
			stores[project] = state.NewStore(sink, project, at)
			if got := stores[project].Project(); got != project {
				t.Errorf("the project is %q", got)
			}
			for _, a := range []string{"account.x.a", "account.x.b"} {
				if project == "others" && a == "account.x.b" {
					continue
				}
				if _, err := stores[project].Save(t.Context(), state.New(project, a, "x"), ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, odd := range []string{"notes", "notes--1", "--x-0123456789ab", "a--b-0123456789AB", "a--b-0123456789", "other-x--y-0123456789ab.tmp1"} {
			sink.Put(place(odd), map[string]credential.Secret{})
		}
		got, err := stores["mine"].OtherProjects(t.Context())
		if want := map[string]int{"theirs": 2, "others": 1}; err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", prefix, got, err, want)
		}
		if got, err := stores["mine"].For("theirs").OtherProjects(t.Context()); err != nil || got["mine"] != 2 || got["theirs"] != 0 {
			t.Errorf("%q: %v, %v", prefix, got, err)
		}
	}
}

func TestPlaceAndTargetAreOfTheProject(t *testing.T) {
	sink := memorysink.New()
	s := newStore(sink)
	a, err := s.Place(t.Context())
	if err != nil || a == "" {
		t.Fatal(a, err)
	}
	if b, err := newStore(sink).Place(t.Context()); err != nil || b != a {
		t.Errorf("the same place is %q and %q, %v", a, b, err)
	}
	if b, err := newStore(memorysink.New()).Place(t.Context()); err != nil || b == a {
		t.Errorf("another server has the same place, %v", err)
	}
	all, err := s.Target("")
	if err != nil || all.Path != "state" {
		t.Errorf("all records are at %q, %v", all.Path, err)
	}
	one, err := s.Target("account.x.a")
	if err != nil || one.Path != "state/"+state.RecordName("p", "account.x.a") {
		t.Errorf("the record is at %q, %v", one.Path, err)
	}
}

// Versions are handed through, so that a write is refused that has not seen the newest.
func TestAVersionIsThatOfTheRecord(t *testing.T) {
	sink := memorysink.New()
	s := newStore(sink)
	if v, err := s.Version(t.Context(), "account.x.a"); err != nil || v != "" {
		t.Errorf("no record has version %q, %v", v, err)
	}
	saved, err := s.Save(t.Context(), state.New("p", "account.x.a", "x"), "")
	if err != nil || saved == "" {
		t.Fatal(saved, err)
	}
	if v, err := s.Version(t.Context(), "account.x.a"); err != nil || v != saved {
		t.Errorf("version %q, %v; want %q", v, err, saved)
	}
	// One that cannot be read has its version too: it can be forgotten.
	sink.Put("state/"+state.RecordName("p", "account.x.a"), map[string]credential.Secret{"record": credential.NewSecret("broken")})
	now, _ := s.Version(t.Context(), "account.x.a")
	snap, err := s.Load(t.Context(), "account.x.a")
	if !errors.Is(err, state.ErrCorrupt) || snap.Version != now || now == saved {
		t.Errorf("Load = %+v, %v; want version %q", snap, err, now)
	}
	for name, text := range map[string]string{"another account's": "account.x.b", "another project's": "account.x.a"} {
		project := "p"
		if name == "another project's" {
			project = "q"
		}
		encoded, err := state.Encode(state.New(project, text, "x"))
		if err != nil {
			t.Fatal(err)
		}
		sink.Put("state/"+state.RecordName("p", "account.x.a"), map[string]credential.Secret{"record": encoded})
		now, _ := s.Version(t.Context(), "account.x.a")
		for _, load := range []func() (state.Snapshot, error){
			func() (state.Snapshot, error) { return s.Load(t.Context(), "account.x.a") },
			func() (state.Snapshot, error) { return s.View(t.Context()).Load(t.Context(), "account.x.a") },
			func() (state.Snapshot, error) {
				return bulkStore(sink).View(t.Context()).Load(t.Context(), "account.x.a")
			},
		} {
			if snap, err := load(); !errors.Is(err, state.ErrCorrupt) || snap.Version != now || snap.Record != nil {
				t.Errorf("%s: %+v, %v; want version %q and no record", name, snap, err, now)
			}
		}
	}
}
