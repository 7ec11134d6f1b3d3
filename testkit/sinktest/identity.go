package sinktest

import (
	"errors"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

func (e *env) placeIn(s sinks.Sink, t sinks.Target) sinks.Place {
	e.Helper()
	p, err := s.Place(e.Context(), t)
	if e.check(err) != nil {
		e.Fatalf("Place: %v", err)
	}
	if p == "" {
		e.Fatal("Place is empty")
	}
	return p
}

func (e *env) at(s sinks.Sink, p sinks.Place, options schema.Values) (sinks.Target, bool) {
	e.Helper()
	t, here, err := s.At(e.Context(), p, options)
	if e.check(err) != nil {
		e.Fatalf("At: %v", err)
	}
	return t, here
}

func testPlace(e *env) {
	a, b := e.target("place/a"), e.target("place/b")
	before := e.placeIn(e.sink, a)
	e.write(a, "", Secrets("k", "value"))
	if again := e.placeIn(e.suite.New(e.T), a); again != before {
		e.Errorf("another connection says %q of the place %q, which has been written since", again, before)
	}
	if other := e.placeIn(e.sink, b); other == before {
		e.Errorf("two targets are one place, %q", other)
	}
	merged := a
	merged.Merge = true
	if p := e.placeIn(e.sink, merged); p != before {
		e.Errorf("with merge the place %q is %q", before, p)
	}
}

func testAt(e *env) {
	t := e.target("at/a")
	data := Secrets("k", "value-of-at")
	version := e.write(t, "", data)
	back, here := e.at(e.suite.New(e.T), e.placeIn(e.sink, t), t.Options)
	if !here || back.Path != t.Path || back.Location != t.Location {
		e.Fatalf("At = %+v, %v; want %q at %q", back, here, t.Path, t.Location)
	}
	if obj := e.wantData(back, data); obj.Version != version {
		e.Errorf("Read gives version %q, Write gave %q", obj.Version, version)
	}
	e.delete(back, sinks.Removal{If: version})
	if e.stat(t).Exists {
		e.Error("deleted at the place, it is still there")
	}
}

func testForeignPlaces(e *env) {
	t := e.target("foreign-places")
	here := e.placeIn(e.sink, t)
	for _, p := range []sinks.Place{
		"", " ", "nonsense", "another " + here, here[:1], "file ", "file /", "vault ", "vault a b/c", "k8ssecret ", "k8ssecret a b/c", "memory-0/a",
		"\xff\x00", "../../etc/passwd",
	} {
		if got, ok := e.at(e.sink, p, t.Options); ok {
			e.Errorf("At(%q) = %+v, which is not here", p, got)
		}
	}
}

// testElsewhere writes the same in the same order at both servers, so that what
// each counts is equal.
func testElsewhere(e *env) {
	there := e.suite.Elsewhere(e.T)
	t := e.target("elsewhere")
	herePlace, therePlace := e.placeIn(e.sink, t), e.placeIn(there, t)
	if herePlace == therePlace {
		e.Fatalf("two servers are one place, %q", herePlace)
	}
	if got, ok := e.at(e.sink, therePlace, t.Options); ok {
		e.Errorf("the place %q of another server is here: %+v", therePlace, got)
	}
	if got, ok := e.at(there, herePlace, t.Options); ok {
		e.Errorf("the place %q of the first server is at the other: %+v", herePlace, got)
	}
	if e.suite.Digests {
		return
	}
	data := Secrets("k", "value-of-both")
	ours := e.write(t, "", data)
	theirs, err := there.Write(e.Context(), t, sinks.Write{Data: data, Owner: owner})
	if e.check(err) != nil {
		e.Fatalf("Write: %v", err)
	}
	if ours == theirs {
		e.Errorf("version %q is that of both servers", ours)
	}
	if info, err := there.Stat(e.Context(), t); e.check(err) != nil || info.Version != theirs {
		e.Errorf("Stat = %+v, %v; want version %q", info, err, theirs)
	}
}

func testCreatedAgain(e *env) {
	t := e.target("created-again")
	data := Secrets("k", "value-of-both")
	first := e.write(t, e.stat(t).Version, data)
	e.suite.Purge(e.T, t)
	if info := e.stat(t); info.Exists || info.Version != "" {
		e.Fatalf("Stat after all was deleted = %+v", info)
	}
	if e.suite.Digests {
		data = Secrets("k", "value-of-the-second")
	}
	second := e.write(t, "", data)
	if second == first {
		e.Errorf("created again it has the version %q again", first)
	}
	e.wantError(e.sink.Delete(e.Context(), t, sinks.Removal{If: first}), sinks.ErrConflict)
	if c, ok := claimer(e); ok {
		_, err := tryClaim(
			e,
			c,
			t,
			owner,
			sinks.Info{Exists: true, Version: first, Marks: e.stat(t).Marks},
			Secrets("k", "value-ours"),
		)
		e.wantError(err, sinks.ErrConflict)
	}
	if obj := e.wantData(t, data); obj.Version != second || e.stat(t).Version != second {
		e.Errorf("Write gave version %q, Read gives %q and Stat %q", second, obj.Version, e.stat(t).Version)
	}
}

func testSoftDelete(e *env) {
	for _, name := range []string{"soft-delete/once", "soft-delete/several"} {
		t := e.target(name)
		version := e.write(t, "", Secrets("k", "value-first"))
		if name == "soft-delete/several" {
			version = e.write(t, version, Secrets("k", "value-second"))
		}
		e.suite.SoftDelete(e.T, t)
		info := e.stat(t)
		if info.Exists || info.Version != version {
			e.Fatalf("Stat of what was deleted softly = %+v, want version %q of nothing", info, version)
		}
		e.wantError(e.sink.Delete(e.Context(), t, sinks.Removal{If: "1"}), sinks.ErrConflict)
		if _, err := e.sink.Read(e.Context(), t); !errors.Is(e.check(err), sinks.ErrNotFound) {
			e.Errorf("Read = %v", err)
		}
		e.delete(t, sinks.Removal{If: version})
		if info := e.stat(t); info.Exists || info.Version != "" || info.Owner != "" {
			e.Errorf("after Delete this remains: %+v", info)
		}
		data := Secrets("k", "value-third")
		e.write(t, "", data)
		e.wantData(t, data)
	}
}

func testMarkTakenOff(e *env) {
	t := e.target("mark-taken-off")
	seen := e.stat(t)
	data := Secrets("k", "value")
	var version string
	if c, ok := claimer(e); ok {
		version = claim(e, c, t, owner, seen, data)
	} else {
		version = e.write(t, seen.Version, data)
	}
	if info := e.stat(t); info.Owner != owner || !info.Marks {
		e.Fatalf("Stat = %+v, want the mark of %q", info, owner)
	}
	e.suite.Unmark(e.T, t)
	if info := e.stat(t); info.Owner != "" || !info.Marks || !info.Exists || info.Version != version {
		e.Errorf("Stat of what somebody unmarked = %+v, want no owner at version %q, where marks are", info, version)
	}
}
