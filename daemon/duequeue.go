package daemon

import (
	"container/heap"
	"time"
)

// priority says how pressing a piece of work is.
type priority int

const (
	// urgent work is a rotation that is due.
	urgent priority = iota
	// canWait work is everything else: checks, and what has failed before.
	// It never takes all workers, so that a sink or an upstream that hangs
	// cannot keep rotations from beginning in time.
	canWait
)

// dueTimes are when an account wants attention; a zero time is never.
type dueTimes struct {
	// rotate is when its token is due to be replaced.
	rotate time.Time
	// look is when to look at it in any case.
	look time.Time
}

// dueQueue is when each account is due. It is data: no timer belongs to it, and
// it reads no clock. The heaps make it cheap for any number of accounts.
type dueQueue struct {
	entries map[string]*dueAccount
	heaps   [2]priorityHeap
}

// dueAccount is one account in both heaps.
type dueAccount struct {
	address string
	at      [2]time.Time
	index   [2]int
}

func newDueQueue() *dueQueue {
	q := &dueQueue{entries: map[string]*dueAccount{}}
	for l := range q.heaps {
		q.heaps[l].priority = priority(l)
	}
	return q
}

// set sets when an account is due, in place of what was set before.
func (q *dueQueue) set(address string, t dueTimes) {
	q.remove(address)
	e := &dueAccount{address: address, at: [2]time.Time{urgent: t.rotate, canWait: t.look}}
	for l := range q.heaps {
		e.index[l] = -1
		if !e.at[l].IsZero() {
			heap.Push(&q.heaps[l], e)
		}
	}
	q.entries[address] = e
}

// dueBy has an account looked at by then at the latest.
func (q *dueQueue) dueBy(address string, at time.Time) {
	e := q.entries[address]
	if e == nil {
		return
	}
	if was := e.at[canWait]; was.IsZero() || at.Before(was) {
		q.set(address, dueTimes{rotate: e.at[urgent], look: at})
	}
}

// remove forgets an account.
func (q *dueQueue) remove(address string) {
	e := q.entries[address]
	if e == nil {
		return
	}
	for l := range q.heaps {
		if e.index[l] >= 0 {
			heap.Remove(&q.heaps[l], e.index[l])
		}
	}
	delete(q.entries, address)
}

// popDue removes and returns the account that has been due for longest with a priority;
// false where none is due.
func (q *dueQueue) popDue(l priority, now time.Time) (address string, due time.Time, ok bool) {
	at, ok := q.next(l)
	if !ok || now.Before(at) {
		return "", time.Time{}, false
	}
	e := q.heaps[l].entries[0]
	q.remove(e.address)
	return e.address, at, true
}

// next is when the next account is due with a priority; false where none ever is.
func (q *dueQueue) next(l priority) (time.Time, bool) {
	if q.heaps[l].Len() == 0 {
		return time.Time{}, false
	}
	return q.heaps[l].entries[0].at[l], true
}

// priorityHeap is a heap of entries by when they are due with its priority.
type priorityHeap struct {
	priority priority
	entries  []*dueAccount
}

// Len implements heap.Interface.
func (q *priorityHeap) Len() int { return len(q.entries) }

// Less implements heap.Interface. The address decides between equal times, so
// that the order does not depend on how the heap came about.
func (q *priorityHeap) Less(i, j int) bool {
	a, b := q.entries[i], q.entries[j]
	if !a.at[q.priority].Equal(b.at[q.priority]) {
		return a.at[q.priority].Before(b.at[q.priority])
	}
	return a.address < b.address
}

// Swap implements heap.Interface.
func (q *priorityHeap) Swap(i, j int) {
	q.entries[i], q.entries[j] = q.entries[j], q.entries[i]
	q.entries[i].index[q.priority], q.entries[j].index[q.priority] = i, j
}

// Push implements heap.Interface.
func (q *priorityHeap) Push(x any) {
	e := x.(*dueAccount)
	e.index[q.priority] = len(q.entries)
	q.entries = append(q.entries, e)
}

// Pop implements heap.Interface.
func (q *priorityHeap) Pop() any {
	last := len(q.entries) - 1
	e := q.entries[last]
	q.entries[last] = nil
	q.entries = q.entries[:last]
	e.index[q.priority] = -1
	return e
}
