package sinktest

import (
	"maps"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
)

// dropping writes data at a version, and drops keys.
func (e *env) dropping(
	t sinks.Target,
	version string,
	data map[string]credential.Secret,
	drop ...string,
) (string, error) {
	e.Helper()
	e.remember(data)
	v, err := e.sink.Write(e.Context(), t, sinks.Write{Data: data, Drop: drop, If: version, Owner: owner})
	return v, e.check(err)
}

func testDrop(e *env) {
	t := e.mergeInto("drop")
	theirs := Secrets("theirs", "value-theirs", "old", "value-old", "older", "value-older", "ours", "value-ours")
	version := e.write(e.target("drop"), "", theirs)
	ours := Secrets("ours", "value-new", "more", "value-more")
	version, err := e.dropping(t, version, ours, "old", "older", "never-there")
	if err != nil {
		e.Fatalf("Write: %v", err)
	}
	want := Secrets("theirs", "value-theirs")
	maps.Copy(want, ours)
	if obj := e.wantData(t, want); obj.Version != version {
		e.Errorf("Read gives version %q, Write gave %q", obj.Version, version)
	}
	// The same again drops what has gone.
	if _, err := e.dropping(t, version, ours, "old", "older", "never-there"); err != nil {
		e.Fatalf("Write: %v", err)
	}
	e.wantData(t, want)
}

func testDropConflict(e *env) {
	t := e.mergeInto("drop-conflict")
	first := e.write(e.target("drop-conflict"), "", Secrets("theirs", "value-first", "old", "value-old"))
	data := Secrets("theirs", "value-second", "old", "value-old")
	e.write(e.target("drop-conflict"), first, data)
	_, err := e.dropping(t, first, Secrets("ours", "value-ours"), "old")
	e.wantError(err, sinks.ErrConflict)
	e.wantData(t, data)
}

func testDropCreates(e *env) {
	t := e.mergeInto("drop-creates")
	data := Secrets("ours", "value-ours")
	if _, err := e.dropping(t, e.stat(t).Version, data, "old"); err != nil {
		e.Fatalf("Write: %v", err)
	}
	e.wantData(t, data)
	if e.suite.SoftDelete == nil {
		return
	}
	e.suite.SoftDelete(e.T, t)
	if _, err := e.dropping(t, e.stat(t).Version, data, "old"); err != nil {
		e.Fatalf("Write over what was deleted softly: %v", err)
	}
	e.wantData(t, data)
}

func testMergedIsNotMarked(e *env) {
	t := e.mergeInto("merged-is-not-marked")
	e.write(t, e.stat(t).Version, Secrets("ours", "value-ours"))
	if info := e.stat(t); info.Marks || info.Owner != "" {
		e.Errorf("Stat = %+v of what is merged into, want no mark", info)
	}
}
