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
	s := newSchedule()
	s.put("b", times{rotate: at(10), look: at(2)})
	s.put("a", times{rotate: at(10)})
	s.put("c", times{look: at(1)})
	if _, _, ok := s.take(pressing, at(9)); ok {
		t.Error("something is pressing before its time")
	}
	var got []string
	for _, l := range []lane{pressing, patient} {
		for address, _, ok := s.take(l, at(10)); ok; address, _, ok = s.take(l, at(10)) {
			got = append(got, address)
		}
	}
	if !slices.Equal(got, []string{"a", "b", "c"}) || len(s.entries) != 0 {
		t.Errorf("took %v, and %d are left", got, len(s.entries))
	}
}

func TestSoonerNeverPostpones(t *testing.T) {
	s := newSchedule()
	s.put("a", times{rotate: at(50), look: at(10)})
	s.sooner("a", at(20))
	s.sooner("unknown", at(0))
	if next, ok := s.next(patient); !ok || !next.Equal(at(10)) {
		t.Errorf("the look was put off to %s", next)
	}
	s.sooner("a", at(5))
	if next, _ := s.next(patient); !next.Equal(at(5)) {
		t.Errorf("the look is still at %s", next)
	}
	if next, _ := s.next(pressing); !next.Equal(at(50)) {
		t.Errorf("the rotation moved to %s", next)
	}
}

// TestScheduleAgreesWithAList does what it can at random beside a plain list.
func TestScheduleAgreesWithAList(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s, list := newSchedule(), map[string]times{}
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
			s.drop(address)
			delete(list, address)
		case 1:
			l, now := lane(r.IntN(2)), at(r.IntN(100))
			want, due := earliest(list, l, now)
			got, at, _ := s.take(l, now)
			if got != want || !at.Equal(due) {
				t.Fatalf("took %q due at %s, want %q at %s", got, at, want, due)
			}
			delete(list, want)
		default:
			next := times{rotate: maybe(), look: maybe()}
			s.put(address, next)
			list[address] = next
		}
	}
}

func earliest(list map[string]times, l lane, now time.Time) (address string, due time.Time) {
	for a, t := range list {
		at := []time.Time{pressing: t.rotate, patient: t.look}[l]
		if at.IsZero() || at.After(now) {
			continue
		}
		if due.IsZero() || at.Before(due) || at.Equal(due) && a < address {
			address, due = a, at
		}
	}
	return address, due
}
