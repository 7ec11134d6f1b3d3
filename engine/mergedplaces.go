package engine

import (
	"context"
	"sync"

	"github.com/credsync/credsync/sinks"
)

// mergedPlaces are what this process knows of places that several accounts merge into.
type mergedPlaces struct {
	mu    sync.Mutex
	turns map[sinks.Place]*sync.Mutex
	// written are those that an account of the project has written.
	written map[sinks.Place]bool
}

// turnAt waits until no other account of this process writes to a place. What it
// returns ends the turn.
func (e *Engine) turnAt(at sinks.Place) (done func()) {
	m := &e.merged
	m.mu.Lock()
	if m.turns == nil {
		m.turns = map[sinks.Place]*sync.Mutex{}
	}
	if m.turns[at] == nil {
		m.turns[at] = new(sync.Mutex)
	}
	turn := m.turns[at]
	m.mu.Unlock()
	turn.Lock()
	return turn.Unlock
}

func (e *Engine) noteWritten(at sinks.Place) {
	e.merged.mu.Lock()
	defer e.merged.mu.Unlock()
	if e.merged.written == nil {
		e.merged.written = map[sinks.Place]bool{}
	}
	e.merged.written[at] = true
}

func (e *Engine) hasWritten(at sinks.Place) bool {
	e.merged.mu.Lock()
	defer e.merged.mu.Unlock()
	return e.merged.written[at]
}

// deliveredByProject reports whether another account of the project has delivered to
// a place that has come into being since this one looked, by the records as they are
// now: one that is about to has claimed it there.
func (e *Engine) deliveredByProject(ctx context.Context, o *observation, d *delivery, info sinks.Info) bool {
	now := *o
	now.ahead = nil
	return e.ownershipByOthers(ctx, &now, d.t, d.entry.Place, info).ours
}
