package sinktest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/google/go-cmp/cmp"
)

func testReadBack(e *env) {
	t := e.target("read-back")
	data := Secrets("access_token", "token-0123456789")
	version := e.write(t, "", data)
	if obj := e.wantData(t, data); obj.Version != version {
		e.Errorf("Read gives version %q, Write gave %q", obj.Version, version)
	}
}

func testOddValues(e *env) {
	values := map[string]string{
		"empty": "", "space": " ", "spaces-around": "  both  ", "unicode": "жетон 秘密 🔑 é", "newline": "one\ntwo\n",
		"crlf": "one\r\ntwo", "tab": "a\tb", "quotes": `"double" 'single' ` + "`back`", "dollar": "$HOME ${HOME} $(id) $1 $$",
		"backslash": `\n \\ \" \$ \`, "hash": "a # b #", "equals": "a=b=c", "json": `{"a":["b"]}`,
		"percent": "100%s %d %%", "html": "<a href='x'>&amp;</a>", "bang": "!history", "big": strings.Repeat("0123456789", 10_000),
	}
	for name, value := range values {
		t := e.target("odd/" + name)
		data := Secrets("value", value)
		_, err := e.tryWrite(t, "", data)
		switch {
		case err == nil:
			e.wantData(t, data)
		case !e.suite.MayRefuse || !errors.Is(err, sinks.ErrUnsupported):
			e.Errorf("value %q: Write: %v", name, err)
		case e.stat(t).Exists:
			e.Errorf("value %q was refused and still written", name)
		}
	}
}

func testStatMissing(e *env) {
	info := e.stat(e.target("stat-missing"))
	if diff := cmp.Diff(sinks.Info{Marks: info.Marks, Unseen: info.Unseen, Unguarded: info.Unguarded}, info); diff != "" {
		e.Errorf("Stat of nothing: %s", diff)
	}
	_, err := e.sink.Read(e.Context(), e.target("stat-missing"))
	e.wantError(err, sinks.ErrNotFound)
}

func testStatExisting(e *env) {
	t := e.target("stat-existing")
	first := e.write(t, "", Secrets("k", "value-one"))
	if info := e.stat(t); !info.Exists || info.Version != first {
		e.Errorf("Stat = %+v, want version %q", info, first)
	}
	second := e.write(t, first, Secrets("k", "value-two"))
	if info := e.stat(t); !info.Exists || info.Version != second || first == second {
		e.Errorf("Stat = %+v, want version %q, which is not %q", info, second, first)
	}
}

func testCreateConflict(e *env) {
	t := e.target("create-conflict")
	data := Secrets("k", "value-first")
	e.write(t, "", data)
	_, err := e.tryWrite(t, "", Secrets("k", "value-second"))
	e.wantError(err, sinks.ErrConflict)
	e.wantData(t, data)
}

func testUpdateConflict(e *env) {
	t := e.target("update-conflict")
	first := e.write(t, "", Secrets("k", "value-first"))
	data := Secrets("k", "value-second")
	e.write(t, first, data)
	_, err := e.tryWrite(t, first, Secrets("k", "value-third"))
	e.wantError(err, sinks.ErrConflict)
	e.wantData(t, data)

	_, err = e.tryWrite(e.target("update-missing"), first, data)
	e.wantError(err, sinks.ErrConflict)
}

func testConcurrentCreate(e *env) { writeConcurrently(e, e.target("concurrent-create"), "") }

func testConcurrentUpdate(e *env) {
	t := e.target("concurrent-update")
	writeConcurrently(e, t, e.write(t, "", Secrets("k", "value-before")))
}

// writeConcurrently lets several sinks write at one version; one must win, the others must
// be told that they have lost, and the winner's data must be what is there.
func writeConcurrently(e *env, t sinks.Target, version string) {
	const writers = 8
	type result struct {
		data map[string]credential.Secret
		err  error
	}
	results := make([]result, writers)
	var wg sync.WaitGroup
	for i := range writers {
		s := e.suite.New(e.T)
		data := Secrets("k", fmt.Sprintf("value-of-writer-%d", i))
		e.remember(data)
		wg.Go(func() {
			_, err := s.Write(e.Context(), t, sinks.Write{Data: data, If: version})
			results[i] = result{data, err}
		})
	}
	wg.Wait()
	wins := 0
	for _, r := range results {
		if e.check(r.err) == nil {
			wins++
			e.wantData(t, r.data)
			continue
		}
		e.wantError(r.err, sinks.ErrConflict)
	}
	if wins != 1 {
		e.Errorf("%d writers won, want 1", wins)
	}
}

func testDeleteIdempotent(e *env) {
	t := e.target("delete")
	version := e.write(t, "", Secrets("k", "value"))
	e.delete(t, sinks.Removal{If: version})
	if info := e.stat(t); info.Exists {
		e.Errorf("Stat after Delete = %+v", info)
	}
	_, err := e.sink.Read(e.Context(), t)
	e.wantError(err, sinks.ErrNotFound)
	e.delete(t, sinks.Removal{If: version})
	e.delete(e.target("delete-never-there"), sinks.Removal{})
}

func testDeleteConflict(e *env) {
	t := e.target("delete-conflict")
	first := e.write(t, "", Secrets("k", "value-first"))
	data := Secrets("k", "value-second")
	e.write(t, first, data)
	e.wantError(e.sink.Delete(e.Context(), t, sinks.Removal{If: first}), sinks.ErrConflict)
	e.wantError(e.sink.Delete(e.Context(), t, sinks.Removal{}), sinks.ErrConflict)
	e.wantData(t, data)
}

func testRecreate(e *env) {
	t := e.target("recreate")
	e.delete(t, sinks.Removal{If: e.write(t, "", Secrets("k", "value-before"))})
	o, err := e.sink.Read(e.Context(), t)
	if !errors.Is(err, sinks.ErrNotFound) || o.Version != e.stat(t).Version {
		e.Errorf("Read of what was deleted = version %q, %v; want ErrNotFound with the version that Stat gives", o.Version, err)
	}
	data := Secrets("k", "value-after")
	e.write(t, o.Version, data)
	e.wantData(t, data)
}

func testReplace(e *env) {
	t := e.target("replace")
	version := e.write(t, "", Secrets("old", "value-old", "kept", "value-kept"))
	data := Secrets("kept", "value-new")
	e.write(t, version, data)
	e.wantData(t, data)
}

func testMerge(e *env) {
	t := e.mergeInto("merge")
	theirs := e.write(e.target("merge"), "", Secrets("theirs", "value-theirs", "shared", "value-before"))
	e.write(t, theirs, Secrets("shared", "value-after", "ours", "value-ours"))
	e.wantData(t, Secrets("theirs", "value-theirs", "shared", "value-after", "ours", "value-ours"))
}

func testMergeCreates(e *env) {
	t := e.mergeInto("merge-creates")
	data := Secrets("ours", "value-ours")
	e.write(t, e.stat(t).Version, data)
	e.wantData(t, data)
}

func testMergeConflict(e *env) {
	t := e.mergeInto("merge-conflict")
	first := e.write(e.target("merge-conflict"), "", Secrets("theirs", "value-first"))
	e.write(e.target("merge-conflict"), first, Secrets("theirs", "value-second"))
	for _, version := range []string{first, ""} {
		_, err := e.tryWrite(t, version, Secrets("ours", "value-ours"))
		e.wantError(err, sinks.ErrConflict)
	}
	e.wantError(e.sink.Delete(e.Context(), t, sinks.Removal{If: first, Keys: []string{"theirs"}}), sinks.ErrConflict)
	e.wantData(t, Secrets("theirs", "value-second"))
}

func testRemoveKeys(e *env) {
	t := e.mergeInto("remove-keys")
	version := e.write(e.target("remove-keys"), "", Secrets("theirs", "value-theirs", "ours", "value-ours", "ours2", "value-ours2"))
	e.delete(t, sinks.Removal{If: version, Keys: []string{"ours", "ours2", "absent"}})
	e.wantData(t, Secrets("theirs", "value-theirs"))
	e.delete(e.mergeInto("remove-keys-never-there"), sinks.Removal{Keys: []string{"ours"}})
}

func testList(e *env) {
	prefix := e.target("list")
	for _, name := range []string{"list/b", "list/a", "list/c"} {
		e.write(e.target(name), "", Secrets("k", "value-"+name))
	}
	list := func(of sinks.Target) (paths []string) {
		targets, err := e.sink.List(e.Context(), of)
		if e.check(err) != nil {
			e.Fatalf("List: %v", err)
		}
		for _, t := range targets {
			paths = append(paths, t.Path)
		}
		return paths
	}
	want := []string{e.target("list/a").Path, e.target("list/b").Path, e.target("list/c").Path}
	if diff := cmp.Diff(want, list(prefix)); diff != "" {
		e.Errorf("List (-want +got):\n%s", diff)
	}
	if got := list(e.target("list-of-nothing")); len(got) != 0 {
		e.Errorf("List of a prefix that is not there = %v", got)
	}
	found, err := e.sink.List(e.Context(), prefix)
	if e.check(err) != nil || len(found) == 0 {
		e.Fatalf("List: %v", err)
	}
	e.wantData(found[0], Secrets("k", "value-list/a"))
}

func testCancelled(e *env) {
	ctx, cancel := context.WithCancel(e.Context())
	cancel()
	t := e.target("cancelled")
	_, err := e.writeWith(ctx, t, "", Secrets("k", "value-cancelled"))
	e.wantError(err, context.Canceled)
	_, err = e.sink.Stat(ctx, t)
	e.wantError(err, context.Canceled)
	_, err = e.sink.Read(ctx, t)
	e.wantError(err, context.Canceled)
	e.wantError(e.sink.Delete(ctx, t, sinks.Removal{}), context.Canceled)
	_, err = e.sink.List(ctx, t)
	e.wantError(err, context.Canceled)
	if info := e.stat(t); info.Exists {
		e.Error("a cancelled Write wrote")
	}
}

func testFault(e *env, f Fault) {
	s := f.New(e.T)
	t := e.target("fault")
	data := Secrets("k", "value-of-fault")
	e.remember(data)
	_, err := s.Stat(e.Context(), t)
	e.wantError(err, f.Class)
	_, err = s.Read(e.Context(), t)
	e.wantError(err, f.Class)
	_, err = s.Write(e.Context(), t, sinks.Write{Data: data})
	e.wantError(err, f.Class)
	e.wantError(s.Delete(e.Context(), t, sinks.Removal{If: "1"}), f.Class)
	_, err = s.List(e.Context(), t)
	e.wantError(err, f.Class)
	for _, other := range []error{sinks.ErrNotFound, sinks.ErrConflict, sinks.ErrDenied, sinks.ErrUnavailable} {
		if other != f.Class && errors.Is(err, other) {
			e.Errorf("error %v is also %q", err, other)
		}
	}
}
