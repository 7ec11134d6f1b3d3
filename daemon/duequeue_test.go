package daemon

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return t0.Add(time.Duration(seconds) * time.Second) }

func TestScheduleGivesWhatIsDueInOrderAndOnce(t *testing.T) {
	s := newDueQueue()
	s.set("b", dueTimes{rotate: at(10), look: at(2)})
	s.set("a", dueTimes{rotate: at(10)})
	s.set("c", dueTimes{look: at(1)})
	if _, _, ok := s.popDue(urgent, at(9)); ok {
		t.Error("something is pressing before its time")
	}
	var got []string
	for _, l := range []priority{urgent, canWait} {
		for address, _, ok := s.popDue(l, at(10)); ok; address, _, ok = s.popDue(l, at(10)) {
			got = append(got, address)
		}
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) || len(s.entries) != 0 {
		t.Errorf("took %v, and %d are left", got, len(s.entries))
	}
}

func TestSoonerNeverPostpones(t *testing.T) {
	s := newDueQueue()
	s.set("a", dueTimes{rotate: at(50), look: at(10)})
	s.dueBy("a", at(20))
	s.dueBy("unknown", at(0))
	if next, ok := s.next(canWait); !ok || !next.Equal(at(10)) {
		t.Errorf("the look was put off to %s", next)
	}
	s.dueBy("a", at(5))
	if next, _ := s.next(canWait); !next.Equal(at(5)) {
		t.Errorf("the look is still at %s", next)
	}
	if next, _ := s.next(urgent); !next.Equal(at(50)) {
		t.Errorf("the rotation moved to %s", next)
	}
}

// TestScheduleAgreesWithAList does what it can at random beside a plain list.
func TestScheduleAgreesWithAList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s, list := newDueQueue(), map[string]dueTimes{}
	maybe := func() time.Time {
		if r.IntN(4) == 0 {
			return time.Time{}
		}
		return at(r.IntN(100))
	}
	for range 20000 {
		address := strconv.Itoa(r.IntN(50))
		switch r.IntN(4) {
		case 0:
			s.remove(address)
			delete(list, address)
		case 1:
			l, now := priority(r.IntN(2)), at(r.IntN(100))
			want, due := earliest(list, l, now)
			got, at, _ := s.popDue(l, now)
			if got != want || !at.Equal(due) {
				t.Fatalf("took %q due at %s, want %q at %s", got, at, want, due)
			}
			delete(list, want)
		default:
			next := dueTimes{rotate: maybe(), look: maybe()}
			s.set(address, next)
			list[address] = next
		}
	}
}

func earliest(list map[string]dueTimes, l priority, now time.Time) (address string, due time.Time) {
	for a, t := range list {
		at := []time.Time{urgent: t.rotate, canWait: t.look}[l]
		if at.IsZero() || at.After(now) {
			continue
		}
		if due.IsZero() || at.Before(due) || at.Equal(due) && a < address {
			address, due = a, at
		}
	}
	return address, due
}
