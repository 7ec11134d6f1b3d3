package storm

import (
	"context"
	"fmt"
	"sync"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/faultproxy"
)

// sinkFaults decides what goes wrong at the sinks: before an operation has taken
// effect, or after.
type sinkFaults struct {
	seed uint64
	rate float64

	mu     sync.Mutex
	quiet  bool
	counts map[string]uint64
	hits   int
	total  int
}

const (
	before = faultproxy.Reset
	after  = faultproxy.Lost
)

func (w *sinkFaults) draw(op, sink string, t sinks.Target) faultproxy.Kind {
	key := op + " " + sink + " " + t.Path
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.counts[key]
	w.counts[key]++
	w.total++
	if w.quiet {
		return ""
	}
	kind := faultproxy.Pick(w.seed, key, n, w.rate, []faultproxy.Kind{before, after})
	if kind != "" {
		w.hits++
	}
	return kind
}

func (w *sinkFaults) setQuiet(quiet bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.quiet = quiet
}

// faultySink is a sink with those faults. wrote is told of all data that is about
// to be written, done of every operation and how it ended.
type faultySink struct {
	sinks.Sink
	weather *sinkFaults
	name    string
	wrote   func(sinks.Target, sinks.Write)
	done    func(op string, t sinks.Target, kind faultproxy.Kind, err error)
}

// during runs an operation.
func (s *faultySink) during(op string, t sinks.Target, f func() error) error {
	kind := s.weather.draw(op, s.name, t)
	if kind == before {
		return fmt.Errorf("%s %s: %w: out of reach", op, t.Location, sinks.ErrUnavailable)
	}
	err := f()
	s.done(op, t, kind, err)
	if err != nil {
		return err
	}
	if kind == after {
		return fmt.Errorf("%s %s: %w: the answer was lost", op, t.Location, sinks.ErrUnavailable)
	}
	return nil
}

func (s *faultySink) Stat(ctx context.Context, t sinks.Target) (info sinks.Info, err error) {
	err = s.during("stat", t, func() error { info, err = s.Sink.Stat(ctx, t); return err })
	return info, err
}

func (s *faultySink) Read(ctx context.Context, t sinks.Target) (object sinks.Object, err error) {
	err = s.during("read", t, func() error { object, err = s.Sink.Read(ctx, t); return err })
	return object, err
}

func (s *faultySink) Write(ctx context.Context, t sinks.Target, w sinks.Write) (version string, err error) {
	err = s.during("write", t, func() error {
		s.wrote(t, w)
		version, err = s.Sink.Write(ctx, t, w)
		return err
	})
	if err != nil {
		return "", err
	}
	return version, nil
}

func (s *faultySink) Delete(ctx context.Context, t sinks.Target, r sinks.Removal) error {
	return s.during("delete", t, func() error { return s.Sink.Delete(ctx, t, r) })
}

func (s *faultySink) List(ctx context.Context, t sinks.Target) (list []sinks.Target, err error) {
	err = s.during("list", t, func() error { list, err = s.Sink.List(ctx, t); return err })
	return list, err
}

// claimingSink can mark owners too.
type claimingSink struct {
	*faultySink
	claimer sinks.Claimer
}

func (s claimingSink) Claim(
	ctx context.Context,
	t sinks.Target,
	w sinks.Write,
	seen sinks.Info,
) (version string, err error) {
	err = s.during("claim", t, func() error {
		s.wrote(t, w)
		version, err = s.claimer.Claim(ctx, t, w, seen)
		return err
	})
	if err != nil {
		return "", err
	}
	return version, nil
}
