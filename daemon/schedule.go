package daemon

import (
	"container/heap"
	"time"
)

// lane says how pressing a piece of work is.
type lane int

const (
	// pressing work is a rotation that is due.
	pressing lane = iota
	// patient work is everything else: checks, and what has failed before.
	// It never takes all workers, so that a sink or an upstream that hangs
	// cannot keep rotations from beginning in time.
	patient
)

// times are when an account wants attention; a zero time is never.
type times struct {
	// rotate is when its token is due to be replaced.
	rotate time.Time
	// look is when to look at it in any case.
	look time.Time
}

// schedule is when each account is due. It is data: no timer belongs to it, and
// it reads no clock. The heaps make it cheap for any number of accounts.
type schedule struct {
	entries map[string]*entry
	lanes   [2]queue
}

// entry is one account in both lanes.
type entry struct {
	address string
	at      [2]time.Time
	index   [2]int
}

func newSchedule() *schedule {
	s := &schedule{entries: map[string]*entry{}}
	for l := range s.lanes {
		s.lanes[l].lane = lane(l)
	}
	return s
}

// put sets when an account is due, in place of what was set before.
func (s *schedule) put(address string, t times) {
	s.drop(address)
	e := &entry{address: address, at: [2]time.Time{pressing: t.rotate, patient: t.look}}
	for l := range s.lanes {
		e.index[l] = -1
		if !e.at[l].IsZero() {
			heap.Push(&s.lanes[l], e)
		}
	}
	s.entries[address] = e
}

// sooner has an account looked at by then at the latest.
func (s *schedule) sooner(address string, at time.Time) {
	e := s.entries[address]
	if e == nil {
		return
	}
	if was := e.at[patient]; was.IsZero() || at.Before(was) {
		s.put(address, times{rotate: e.at[pressing], look: at})
	}
}

// drop forgets an account.
func (s *schedule) drop(address string) {
	e := s.entries[address]
	if e == nil {
		return
	}
	for l := range s.lanes {
		if e.index[l] >= 0 {
			heap.Remove(&s.lanes[l], e.index[l])
		}
	}
	delete(s.entries, address)
}

// take removes and returns the account that has been due in a lane for longest;
// false where none is due.
func (s *schedule) take(l lane, now time.Time) (address string, due time.Time, ok bool) {
	at, ok := s.next(l)
	if !ok || now.Before(at) {
		return "", time.Time{}, false
	}
	e := s.lanes[l].entries[0]
	s.drop(e.address)
	return e.address, at, true
}

// next is when the next account is due in a lane; false where none ever is.
func (s *schedule) next(l lane) (time.Time, bool) {
	if s.lanes[l].Len() == 0 {
		return time.Time{}, false
	}
	return s.lanes[l].entries[0].at[l], true
}

// queue is a heap of entries by when they are due in its lane.
type queue struct {
	lane    lane
	entries []*entry
}

// Len implements heap.Interface.
func (q *queue) Len() int { return len(q.entries) }

// Less implements heap.Interface. The address decides between equal times, so
// that the order does not depend on how the heap came about.
func (q *queue) Less(i, j int) bool {
	a, b := q.entries[i], q.entries[j]
	if !a.at[q.lane].Equal(b.at[q.lane]) {
		return a.at[q.lane].Before(b.at[q.lane])
	}
	return a.address < b.address
}

// Swap implements heap.Interface.
func (q *queue) Swap(i, j int) {
	q.entries[i], q.entries[j] = q.entries[j], q.entries[i]
	q.entries[i].index[q.lane], q.entries[j].index[q.lane] = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	e := x.(*entry)
	e.index[q.lane] = len(q.entries)
	q.entries = append(q.entries, e)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(q.entries) - 1
	e := q.entries[last]
	q.entries[last] = nil
	q.entries = q.entries[:last]
	e.index[q.lane] = -1
	return e
}
