package engine

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// placesBelieved is for how long what the sinks said of the configuration's places
// is believed where accounts are looked at one by one.
const placesBelieved = 5 * time.Minute

// places are what the configuration's targets are, as the sinks tell: by that, and
// not by the names of sinks, it is known which targets are the same.
type places struct {
	at time.Time
	of map[*config.Delivery]sinks.Place
	// errs has the deliveries whose place is not known, and why.
	errs map[*config.Delivery]error
	// wantedBy are the accounts that deliver to a place.
	wantedBy map[sinks.Place][]*account
	// unknownTypes are the types of sinks of whose targets not all places are known.
	unknownTypes map[string]bool
}

// places asks the sinks, each at most once, or returns what they said a moment ago;
// a is the account that it is about, nil for all. Who has nothing to do with a
// server that does not answer does not wait for it.
func (e *Engine) places(ctx context.Context, a *account) *places {
	if p := e.freshPlaces(a); p != nil {
		return p
	}
	e.asking.Lock()
	defer e.asking.Unlock()
	if p := e.freshPlaces(a); p != nil {
		return p
	}
	p := &places{
		of: map[*config.Delivery]sinks.Place{}, errs: map[*config.Delivery]error{},
		wantedBy: map[sinks.Place][]*account{}, unknownTypes: map[string]bool{},
	}
	p.ask(ctx, e)
	p.at = e.Now()
	for _, a := range e.accounts {
		for _, kind := range a.unplaced {
			p.unknownTypes[kind] = true
		}
		for _, d := range a.cfg.Deliveries {
			if p.errs[d] != nil {
				p.unknownTypes[d.Sink.Spec.Type] = true
			} else if by := p.wantedBy[p.of[d]]; len(by) == 0 || by[len(by)-1] != a {
				p.wantedBy[p.of[d]] = append(by, a)
			}
		}
	}
	e.placesMu.Lock()
	defer e.placesMu.Unlock()
	e.lastPlaces = p
	return p
}

// freshPlaces are the places as they were last asked for, if that is good enough.
func (e *Engine) freshPlaces(a *account) *places {
	e.placesMu.Lock()
	defer e.placesMu.Unlock()
	p := e.lastPlaces
	if p == nil || e.Now().Sub(p.at) >= placesBelieved || a == nil && len(p.errs) > 0 || a != nil && !p.known(a) {
		return nil
	}
	return p
}

// known reports whether it is known where an account delivers to.
func (p *places) known(a *account) bool {
	return !slices.ContainsFunc(a.targets, func(t *target) bool { return p.errs[t.Delivery] != nil })
}

// ask finds out the places, of several sinks at once. A server that does not
// answer is asked once for all its targets; that a path cannot be followed says
// nothing of the others in a tree of files.
func (p *places) ask(ctx context.Context, e *Engine) {
	bySink := map[*config.Sink][]*config.Delivery{}
	var order []*config.Sink
	for _, a := range e.accounts {
		for _, d := range a.cfg.Deliveries {
			if bySink[d.Sink] == nil {
				order = append(order, d.Sink)
			}
			bySink[d.Sink] = append(bySink[d.Sink], d)
		}
	}
	var mu sync.Mutex
	e.forEach(len(order), func(i int) {
		found, errs := e.askSink(ctx, order[i], bySink[order[i]])
		mu.Lock()
		defer mu.Unlock()
		for j, d := range bySink[order[i]] {
			if errs[j] != nil {
				p.errs[d] = errs[j]
			} else {
				p.of[d] = found[j]
			}
		}
	})
}

// askSink finds out the places of one sink's deliveries.
func (e *Engine) askSink(ctx context.Context, sink *config.Sink, of []*config.Delivery) ([]sinks.Place, []error) {
	found, errs := make([]sinks.Place, len(of)), make([]error, len(of))
	s, err := e.Sink(sink)
	if many, ok := s.(sinks.BulkPlacer); ok && err == nil {
		targets := make([]sinks.Target, len(of))
		for i, d := range of {
			targets[i] = d.Target
		}
		many.PlaceMany(ctx, targets, func(i int, p sinks.Place, err error) { found[i], errs[i] = p, err })
		return found, errs
	}
	for i, d := range of {
		if err == nil || s != nil && sink.Spec.Tree {
			found[i], err = s.Place(ctx, d.Target)
		}
		errs[i] = err
	}
	return found, errs
}

// wants reports whether an account delivers to a place.
func (p *places) wants(a *account, at sinks.Place) bool { return slices.Contains(p.wantedBy[at], a) }

// shared reports whether several accounts deliver to a place, which then merge
// into it.
func (p *places) shared(at sinks.Place) bool { return len(p.wantedBy[at]) > 1 }

// reached is a place in the state, as a sink of the configuration leads to it.
type reached struct {
	sink   *config.Sink
	opened sinks.Sink
	target sinks.Target
}

// reach finds the sink of the configuration that leads to a recorded place, the one
// of the recorded name first. found is false where none does, and err says why
// that is not known.
func (e *Engine) reach(ctx context.Context, entry *state.Target) (to reached, found bool, err error) {
	var unknown error
	for _, s := range e.sinksOfType(entry.Sink) {
		to, found, err := e.reachThrough(ctx, s, entry)
		if found {
			return to, true, nil
		}
		if err != nil {
			unknown = err
		}
	}
	return reached{}, false, unknown
}

func (e *Engine) reachThrough(ctx context.Context, s *config.Sink, entry *state.Target) (reached, bool, error) {
	opened, err := e.Sink(s)
	if err != nil {
		return reached{}, false, err
	}
	options, err := schema.DecodeValues(&s.Spec.Deliver, entry.Options)
	if err != nil {
		return reached{}, false, err
	}
	t, here, err := opened.At(ctx, entry.Place, options)
	if err != nil || !here {
		return reached{}, false, err
	}
	t.Merge = entry.Merge
	return reached{sink: s, opened: opened, target: t}, true, nil
}

// sinksOfType are the configuration's sinks of the type that a sink's name begins
// with; the one of that name is first.
func (e *Engine) sinksOfType(name string) []*config.Sink {
	kind := sinkType(name)
	var list []*config.Sink
	for _, s := range e.Config.Sinks {
		switch {
		case s.Name == name:
			list = slices.Insert(list, 0, s)
		case s.Spec.Type == kind:
			list = append(list, s)
		}
	}
	return list
}

// sinkType is the type that a sink's name begins with.
func sinkType(name string) string {
	kind, _, _ := strings.Cut(name, ".")
	return kind
}

// hasSink reports whether the configuration has a sink of that name.
func (e *Engine) hasSink(name string) bool {
	return slices.ContainsFunc(e.Config.Sinks, func(s *config.Sink) bool { return s.Name == name })
}
