package state_test

import (
	"context"
	"errors"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
)

func bulkStore(s *memorysink.Sink) *state.Store {
	return newStore(memorysink.Bulk{Sink: s})
}

func save(t *testing.T, s *state.Store, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		if _, err := s.Save(t.Context(), state.New("p", a, "x"), ""); err != nil {
			t.Fatal(err)
		}
	}
}

func TestViewReadsAllRecordsInOneScan(t *testing.T) {
	sink := memorysink.New()
	s := bulkStore(sink)
	save(t, s, "account.x.a", "account.x.b", "account.x.gone")
	v := s.View(t.Context())
	for _, a := range []string{"account.x.a", "account.x.b"} {
		got, err := v.Load(t.Context(), a)
		want, _ := s.Load(t.Context(), a)
		if err != nil || got.Record == nil || got.Record.Address != a || got.Version != want.Version {
			t.Errorf("Load(%s) = %+v, %v", a, got, err)
		}
	}
	if got, err := v.Load(t.Context(), "account.x.new"); err != nil || got.Record != nil || got.Version != "" {
		t.Errorf("Load of an account without a record = %+v, %v", got, err)
	}
	gone, errs := v.Others(t.Context(), []string{"account.x.a", "account.x.b"})
	if len(errs) > 0 || len(gone) != 1 || gone[0].Record.Address != "account.x.gone" {
		t.Errorf("Others = %+v, %v; want account.x.gone", gone, errs)
	}
	// The two reads are those of the comparison above.
	scans, reads, lists := sink.Calls(memorysink.Scan), sink.Calls(memorysink.Read), sink.Calls(memorysink.List)
	if scans != 1 || reads != 2 || lists != 0 {
		t.Errorf("%d scans, %d reads, %d lists; want one scan for all", scans, reads-2, lists)
	}
}

func TestViewTellsWhichRecordOfAScanIsBroken(t *testing.T) {
	sink := memorysink.New()
	s := bulkStore(sink)
	save(t, s, "account.x.a", "account.x.b")
	sink.Put("state/"+state.RecordName("p", "account.x.b"), nil)
	v := s.View(t.Context())
	if _, err := v.Load(t.Context(), "account.x.b"); !errors.Is(err, state.ErrCorrupt) {
		t.Errorf("Load of the broken record = %v", err)
	}
	if got, err := v.Load(t.Context(), "account.x.a"); err != nil || got.Record == nil {
		t.Errorf("the broken record hides another: %+v, %v", got, err)
	}
}

func TestViewReadsOneByOneWhatMayNotBeListed(t *testing.T) {
	sink := memorysink.New()
	s := bulkStore(sink)
	save(t, s, "account.x.a")
	sink.Fail = failing(memorysink.Scan, sinks.ErrDenied)
	if got, err := s.View(t.Context()).Load(t.Context(), "account.x.a"); err != nil || got.Record == nil {
		t.Errorf("Load = %+v, %v", got, err)
	}
}

// A record that the view does not have must not be taken for one that there is
// not: a token would be got that exists already.
func TestViewOfAStateThatIsOutOfReachSaysSo(t *testing.T) {
	sink := memorysink.New()
	s := bulkStore(sink)
	save(t, s, "account.x.a")
	sink.Fail = failing(memorysink.Scan, sinks.ErrUnavailable)
	v := s.View(t.Context())
	if got, err := v.Load(t.Context(), "account.x.a"); !errors.Is(err, sinks.ErrUnavailable) {
		t.Errorf("Load = %+v, %v", got, err)
	}
	if _, errs := v.Others(context.Background(), nil); len(errs) != 1 || !errors.Is(errs[0], sinks.ErrUnavailable) {
		t.Errorf("Others = %v", errs)
	}
}

func TestViewReadsNoRecordThatIsNotThere(t *testing.T) {
	sink := memorysink.New()
	s := newStore(sink)
	save(t, s, "account.x.a", "account.x.gone")
	v := s.View(t.Context())
	for _, a := range []string{"account.x.new", "account.x.newer"} {
		if got, err := v.Load(t.Context(), a); err != nil || got.Record != nil || got.Version != "" {
			t.Errorf("Load of an account without a record = %+v, %v", got, err)
		}
	}
	if got, err := v.Load(t.Context(), "account.x.a"); err != nil || got.Record == nil {
		t.Errorf("Load = %+v, %v", got, err)
	}
	gone, errs := v.Others(t.Context(), []string{"account.x.a", "account.x.new"})
	if len(errs) > 0 || len(gone) != 1 || gone[0].Record.Address != "account.x.gone" {
		t.Errorf("Others = %+v, %v; want account.x.gone", gone, errs)
	}
	if lists, reads := sink.Calls(memorysink.List), sink.Calls(memorysink.Read); lists != 1 || reads != 2 {
		t.Errorf("%d lists and %d reads; want one list, and a read for each record that there is", lists, reads)
	}
}

// A record that came after the list must not be written over.
func TestRecordThatIsNewerThanTheListIsInConflict(t *testing.T) {
	s := newStore(memorysink.New())
	v := s.View(t.Context())
	save(t, s, "account.x.a")
	got, err := v.Load(t.Context(), "account.x.a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), state.New("p", "account.x.a", "x"), got.Version); !errors.Is(err, sinks.ErrConflict) {
		t.Errorf("the write ended with %v", err)
	}
}

// A list that fails says nothing of what there is.
func TestViewReadsEachRecordWhereTheListFails(t *testing.T) {
	for _, why := range []error{sinks.ErrDenied, sinks.ErrUnavailable} {
		sink := memorysink.New()
		s := newStore(sink)
		save(t, s, "account.x.a")
		sink.Fail = failing(memorysink.List, why)
		v := s.View(t.Context())
		if got, err := v.Load(t.Context(), "account.x.a"); err != nil || got.Record == nil {
			t.Errorf("Load = %+v, %v", got, err)
		}
		if _, errs := v.Others(t.Context(), nil); len(errs) != 1 || !errors.Is(errs[0], why) {
			t.Errorf("Others = %v", errs)
		}
	}
}

func failing(op string, err error) func(string, sinks.Target) error {
	return func(o string, _ sinks.Target) error {
		if o == op {
			return err
		}
		return nil
	}
}
