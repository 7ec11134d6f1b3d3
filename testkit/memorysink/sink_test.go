package memorysink_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/credsync/credsync/testkit/sinktest"
)

func target(name string, merge bool) sinks.Target {
	return sinks.Target{Path: name, Location: "memory/" + name, Merge: merge}
}

func suite(wrap func(*memorysink.Sink) sinks.Sink) sinktest.Suite {
	faulty := func(class error) sinktest.Fault {
		return sinktest.Fault{Name: class.Error(), Class: class, New: func(*testing.T) sinks.Sink {
			s := memorysink.New()
			s.Fail = func(string, sinks.Target) error { return class }
			return wrap(s)
		}}
	}
	memory := memorysink.New()
	shared := wrap(memory)
	return sinktest.Suite{
		New:        func(*testing.T) sinks.Sink { return shared },
		Target:     func(_ *testing.T, name string, merge bool) sinks.Target { return target(name, merge) },
		Elsewhere:  func(*testing.T) sinks.Sink { return wrap(memorysink.New()) },
		Purge:      func(_ *testing.T, target sinks.Target) { memory.Remove(target.Path) },
		SoftDelete: func(_ *testing.T, target sinks.Target) { memory.SoftRemove(target.Path) },
		Faults:     []sinktest.Fault{faulty(sinks.ErrDenied), faulty(sinks.ErrUnavailable)},
	}
}

func TestConformance(t *testing.T) {
	var memory *memorysink.Sink
	s := suite(func(s *memorysink.Sink) sinks.Sink {
		if memory == nil {
			memory = s
		}
		return s
	})
	s.Unmark = func(t *testing.T, target sinks.Target) {
		memory.Unmark(target, ownerOf(t, memory, target), sinks.Info{})
	}
	sinktest.Run(t, s)
}

func ownerOf(t *testing.T, s sinks.Sink, target sinks.Target) string {
	info, err := s.Stat(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	return info.Owner
}

func TestConformanceInBulk(t *testing.T) {
	sinktest.Run(t, suite(func(s *memorysink.Sink) sinks.Sink { return memorysink.Bulk{Sink: s} }))
}

func TestConformanceWithoutOptionalMethods(t *testing.T) {
	sinktest.Run(t, suite(func(s *memorysink.Sink) sinks.Sink { return memorysink.Unmarked{Sink: s} }))
}

func TestHooksAndCounters(t *testing.T) {
	ctx := t.Context()
	s := memorysink.New()
	data := map[string]credential.Secret{"k": credential.NewSecret("v")}

	lost := errors.New("answer lost")
	s.Lose = func(op string, _ sinks.Target) error {
		if op == memorysink.Write {
			return lost
		}
		return nil
	}
	if _, err := s.Write(ctx, target("a", false), sinks.Write{Data: data}); !errors.Is(err, lost) {
		t.Errorf("Write = %v, want the lost answer", err)
	}
	if got, ok := s.Get("a"); !ok || !got["k"].Equal(data["k"]) {
		t.Error("a write with a lost answer took no effect")
	}

	refused := errors.New("refused")
	s.Fail = func(op string, _ sinks.Target) error {
		if op == memorysink.Preflight {
			return refused
		}
		return nil
	}
	if errs := s.Preflight(ctx, []sinks.Trial{{Target: target("a", false)}}); len(errs) != 1 ||
		!errors.Is(errs[0], refused) {
		t.Errorf("Preflight = %v, want the refusal", errs)
	}
	if n := s.Calls(memorysink.Write) + s.Calls(memorysink.Preflight); n != 2 {
		t.Errorf("counted %d calls, want 2", n)
	}
}

func TestSoftRemovalKeepsTheVersion(t *testing.T) {
	s := memorysink.New()
	s.Put("a", nil)
	s.SoftRemove("a")
	info, err := s.Stat(t.Context(), target("a", false))
	if err != nil || info.Exists || !strings.HasPrefix(info.Version, "1@") {
		t.Errorf("Stat = %+v, %v; want version 1 of nothing", info, err)
	}
}
