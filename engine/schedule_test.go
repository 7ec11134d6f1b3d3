package engine_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
)

// The scheduler runs several engines in one process and decides, at each effect
// of any of them, which goes next. An effect is a request to the state, to a
// target or to the upstream; it has two moments, when it arrives and takes
// effect and when its answer reaches the sender, and whatever else happens can
// happen between the two. Everything else that a runner does depends on nothing
// but the answers it got and the clock, so a runner is known by their history.

// replay is one way through a model, from its beginning.
type replay struct {
	seats []*seat
	// spare are the events that no runner causes.
	spare budget
	// trail are the choices that were made.
	trail []string
	// broken is what was found wrong, the first first.
	broken []string

	mu      sync.Mutex
	pending []*effect
}

// budget is how many events of each kind may still happen.
type budget struct {
	kills, jumps, intrusions int
	// late lets requests of killed runners arrive. moments lets the clock
	// jump also between an effect and its answer.
	late, moments bool
}

// seat is where one runner sits.
type seat struct {
	name string
	// history is a digest of the answers it got, and of the clock at each.
	history    [sha256.Size]byte
	dead, done bool
}

// effect is one that a goroutine of a runner waits for.
type effect struct {
	seat *seat
	// name is unique among those of a runner at one time.
	name string
	// arrive carries it out and returns what the answer tells, for the
	// history.
	arrive  func() string
	arrived bool
	result  string
	// enabled says whether it can arrive; nil for always.
	enabled func() bool
	answer  chan struct{}
}

// wait is called by a runner to have an effect. It returns once the scheduler
// has let the effect arrive and be answered. A runner that is killed gets an
// error from this effect and from all that it tries afterwards, none of which
// arrives.
func (r *replay) wait(s *seat, name string, arrive func() string, enabled func() bool) error {
	if s.dead {
		return errKilled
	}
	e := &effect{seat: s, name: name, arrive: arrive, enabled: enabled, answer: make(chan struct{})}
	r.mu.Lock()
	r.pending = append(r.pending, e)
	r.mu.Unlock()
	<-e.answer
	if s.dead {
		return errKilled
	}
	return nil
}

var errKilled = errors.New("the runner was killed")

func (r *replay) breaks(format string, args ...any) {
	r.broken = append(r.broken, fmt.Sprintf(format, args...))
}

// settle waits until every runner waits for an effect, or is done.
func (r *replay) settle() {
	synctest.Wait()
	// In which order goroutines of one runner came is not to matter.
	slices.SortFunc(r.pending, func(a, b *effect) int {
		return strings.Compare(a.seat.name+a.name, b.seat.name+b.name)
	})
}

// over reports whether no runner is at work any more.
func (r *replay) over() bool {
	return !slices.ContainsFunc(r.seats, func(s *seat) bool { return !s.done && !s.dead })
}

// choices are the events that can happen now, the first the most ordinary. jump
// and intrude say whether those make sense now.
func (r *replay) choices(jump, intrude bool) []string {
	var list []string
	for _, e := range r.pending {
		switch {
		case e.arrived && !e.seat.dead:
			list = append(list, e.seat.name+" answered: "+e.name)
		case !e.arrived && (e.enabled == nil || e.enabled()):
			list = append(list, e.seat.name+" "+e.name)
		}
	}
	for _, s := range r.seats {
		if r.spare.kills > 0 && !s.dead && !s.done {
			list = append(list, "kill "+s.name)
		}
	}
	if jump {
		list = append(list, "jump")
	}
	if intrude {
		list = append(list, "intrude")
	}
	return list
}

// do makes a choice happen that is about an effect or a runner. It reports
// false where the choice is about neither.
func (r *replay) do(choice, clock string) bool {
	r.trail = append(r.trail, choice)
	if name, ok := strings.CutPrefix(choice, "kill "); ok {
		r.spare.kills--
		for _, s := range r.seats {
			if s.name == name {
				r.kill(s)
			}
		}
		return true
	}
	for i, e := range r.pending {
		switch choice {
		case e.seat.name + " " + e.name:
			if e.arrived {
				continue
			}
			e.result, e.arrived = e.arrive(), true
			switch {
			case e.seat.dead:
				r.pending = slices.Delete(r.pending, i, i+1)
			case r.spare.jumps == 0 || !r.spare.moments:
				// Between its answer and its next effect a runner only looks at
				// the clock. While that stands still the moment does not matter.
				r.answered(i, clock)
			}
			return true
		case e.seat.name + " answered: " + e.name:
			r.answered(i, clock)
			return true
		}
	}
	return false
}

func (r *replay) answered(i int, clock string) {
	e := r.pending[i]
	r.pending = slices.Delete(r.pending, i, i+1)
	e.seat.history = sha256.Sum256(fmt.Appendf(e.seat.history[:], "%s|%s|%s", e.name, e.result, clock))
	close(e.answer)
}

// kill ends a runner where it is. What it had sent and had not arrived may
// arrive later, where the budget says so.
func (r *replay) kill(s *seat) {
	before := s.dead
	s.dead = true
	r.pending = slices.DeleteFunc(r.pending, func(e *effect) bool {
		if e.seat != s {
			return false
		}
		if !before {
			close(e.answer)
		}
		return e.arrived || !r.spare.late || strings.HasPrefix(e.name, "sleep")
	})
}

// end kills whoever is left, so that no goroutine outlives the replay.
func (r *replay) end() {
	r.spare.late = false
	for _, s := range r.seats {
		r.kill(s)
	}
	synctest.Wait()
}

// position is a digest of the runners and of what may still happen: with the
// world's own digest it says all that the future depends on.
func (r *replay) position() string {
	var b strings.Builder
	for _, s := range r.seats {
		fmt.Fprintf(&b, "%s %t %t %x\n", s.name, s.dead, s.done, s.history)
	}
	for _, e := range r.pending {
		fmt.Fprintf(&b, "%s %s %t %s\n", e.seat.name, e.name, e.arrived, e.result)
	}
	fmt.Fprintf(&b, "%+v\n", r.spare)
	return b.String()
}
