package sinktest

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
)

const (
	owner   = "suite/account.x.y"
	another = "suite/account.x.another"
)

// claimer returns the sink as a Claimer. For one that is none there is nothing
// to test.
func claimer(e *env) (sinks.Claimer, bool) {
	c, ok := e.sink.(sinks.Claimer)
	return c, ok
}

func testClaim(e *env) {
	c, ok := claimer(e)
	if !ok {
		return
	}
	t := e.target("claim")
	first := Secrets("k", "value-claimed")
	version := claim(e, c, t, owner, e.stat(t), first)
	info := e.stat(t)
	if !info.Exists || info.Owner != owner || info.Version != version {
		e.Errorf("Stat after Claim = %+v, want version %q and owner %q", info, version, owner)
	}
	e.wantData(t, first)
	second := Secrets("k", "value-claimed-again")
	version = claim(e, c, t, owner, info, second)
	e.wantData(t, second)
	e.delete(t, sinks.Removal{If: version})
	if info := e.stat(t); info.Owner != "" {
		e.Errorf("the mark %q outlives Delete", info.Owner)
	}
}

func testClaimConflict(e *env) {
	c, ok := claimer(e)
	if !ok {
		return
	}
	t := e.target("claim-conflict")
	seen := e.stat(t)
	theirs := Secrets("theirs", "value-theirs")
	e.write(t, "", theirs)
	_, err := tryClaim(e, c, t, owner, seen, Secrets("k", "value-ours"))
	e.wantError(err, sinks.ErrConflict)
	if info := e.stat(t); info.Owner != "" {
		e.Errorf("the mark %q was not taken back", info.Owner)
	}
	e.wantData(t, theirs)
}

func testClaimOfAnothers(e *env) {
	c, ok := claimer(e)
	if !ok {
		return
	}
	t := e.target("claim-of-anothers")
	seen := e.stat(t)
	theirs, ours := Secrets("k", "value-theirs"), Secrets("k", "value-ours")
	claim(e, c, t, another, seen, theirs)
	_, err := tryClaim(e, c, t, owner, seen, ours)
	e.wantError(err, sinks.ErrConflict)
	if info := e.stat(t); info.Owner != another {
		e.Errorf("owner %q, want %q to stay", info.Owner, another)
	}
	e.wantData(t, theirs)
	// Someone who was told to adopt it says so by what was seen.
	claim(e, c, t, owner, e.stat(t), ours)
	if info := e.stat(t); info.Owner != owner {
		e.Errorf("owner %q, want %q", info.Owner, owner)
	}
	e.wantData(t, ours)
}

// testClaimsAtOnce: of several that claim the same place, one writes, and the
// mark is that one's.
func testClaimsAtOnce(e *env) {
	c, ok := claimer(e)
	if !ok {
		return
	}
	for round := range 5 {
		t := e.target(fmt.Sprintf("claims-at-once-%d", round))
		seen := e.stat(t)
		errs := make([]error, 6)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { _, errs[i] = tryClaim(e, c, t, claimant(i), seen, Secrets("k", claimant(i))) })
		}
		all.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				e.Errorf("%s and %s both wrote", claimant(winner), claimant(i))
			case !errors.Is(err, sinks.ErrConflict):
				e.Errorf("Claim = %v, want a conflict", err)
			}
		}
		if winner < 0 {
			e.Errorf("nobody wrote: %v", errors.Join(errs...))
			continue
		}
		e.wantData(t, Secrets("k", claimant(winner)))
		// A mark that was taken back may have been the winner's by then.
		if info := e.stat(t); info.Owner != "" && info.Owner != claimant(winner) {
			e.Errorf("the data is that of %s, and the mark says %q", claimant(winner), info.Owner)
		}
	}
}

func claimant(i int) string { return fmt.Sprintf("suite/account.x.claimant%d", i) }

// tryClaim claims a target for an owner.
func tryClaim(
	e *env,
	c sinks.Claimer,
	t sinks.Target,
	owner string,
	seen sinks.Info,
	data map[string]credential.Secret,
) (version string, err error) {
	e.Helper()
	e.remember(data)
	version, err = c.Claim(e.Context(), t, sinks.Write{Data: data, If: seen.Version, Owner: owner}, seen)
	return version, e.check(err)
}

// claim is tryClaim, which has to work.
func claim(
	e *env,
	c sinks.Claimer,
	t sinks.Target,
	owner string,
	seen sinks.Info,
	data map[string]credential.Secret,
) (version string) {
	e.Helper()
	version, err := tryClaim(e, c, t, owner, seen, data)
	if err != nil {
		e.Fatalf("Claim: %v", err)
	}
	return version
}

// testPreflight tries writes of what is there, of what is not, and of what is merged
// into: none has an effect, and there is one answer for each.
func testPreflight(e *env) {
	p, ok := e.sink.(sinks.Preflighter)
	if !ok {
		return
	}
	absent, there := e.target("preflight/a"), e.target("preflight/b")
	e.write(there, "", Secrets("k", "value", "other", "kept"))
	before := e.stat(there)
	trials := []sinks.Trial{
		{Target: absent, Keys: []string{"k"}, Owner: "suite/account.x.y"},
		{Target: there, Keys: []string{"k", "new"}, Owner: "suite/account.x.y"},
		{Target: there},
	}
	errs := p.Preflight(e.Context(), trials)
	if len(errs) != len(trials) {
		e.Fatalf("Preflight of %d trials gave %d answers", len(trials), len(errs))
	}
	for _, err := range errs {
		if err := e.check(err); err != nil {
			e.Fatalf("Preflight: %v", err)
		}
	}
	if info := e.stat(absent); info.Exists || info.Owner != "" {
		e.Errorf("Preflight had an effect: %+v", info)
	}
	if info := e.stat(there); info != before {
		e.Errorf("Preflight had an effect: %+v, before it %+v", info, before)
	}
	if errs := p.Preflight(e.Context(), nil); len(errs) != 0 {
		e.Errorf("Preflight of nothing = %v", errs)
	}
}

func testScan(e *env) {
	scanner, ok := e.sink.(sinks.Scanner)
	if !ok {
		return
	}
	for _, name := range []string{"scan/a", "scan/b", "scan-elsewhere"} {
		e.write(e.target(name), "", Secrets("k", "value-"+name))
	}
	scan := func(prefix sinks.Target) map[string]sinks.Object {
		found := map[string]sinks.Object{}
		err := scanner.Scan(e.Context(), prefix, func(t sinks.Target, o sinks.Object) error {
			found[t.Path] = o
			return nil
		})
		if e.check(err) != nil {
			e.Fatalf("Scan: %v", err)
		}
		return found
	}
	prefix := e.target("scan")
	found := scan(prefix)
	listed, err := e.sink.List(e.Context(), prefix)
	if e.check(err) != nil || len(listed) != 2 || len(found) != 2 {
		e.Fatalf("Scan found %d and List %d (%v), want 2", len(found), len(listed), err)
	}
	for _, t := range listed {
		want, err := e.sink.Read(e.Context(), t)
		if e.check(err) != nil {
			e.Fatalf("Read: %v", err)
		}
		got := found[t.Path]
		if got.Version != want.Version || !maps.EqualFunc(got.Data, want.Data, credential.Secret.Equal) {
			e.Errorf("Scan and Read differ about %s", t.Location)
		}
	}
	if got := scan(e.target("scan-of-nothing")); len(got) != 0 {
		e.Errorf("Scan of a prefix that is not there found %d", len(got))
	}
	enough := errors.New("enough")
	err = scanner.Scan(e.Context(), prefix, func(sinks.Target, sinks.Object) error { return enough })
	e.wantError(err, enough)
}

func testPlaceMany(e *env) {
	placer, ok := e.sink.(sinks.BulkPlacer)
	if !ok {
		return
	}
	var targets []sinks.Target
	for i := range 5 {
		targets = append(targets, e.target(fmt.Sprintf("placed/%d", i)), e.target(fmt.Sprintf("placed/%d/below", i)))
	}
	e.write(targets[0], "", Secrets("k", "value-placed"))
	told := map[int]int{}
	placer.PlaceMany(e.Context(), targets, func(i int, p sinks.Place, err error) {
		told[i]++
		want, wantErr := e.sink.Place(e.Context(), targets[i])
		if p != want || (err == nil) != (wantErr == nil) {
			e.Errorf("PlaceMany says %q, %v of %s, Place %q, %v", p, err, targets[i].Location, want, wantErr)
		}
	})
	for i, t := range targets {
		if told[i] != 1 {
			e.Errorf("PlaceMany told of %s %d times", t.Location, told[i])
		}
	}
}

// testStatMany has many targets, since a sink may ask for few one by one.
func testStatMany(e *env) {
	statter, ok := e.sink.(sinks.BulkStatter)
	if !ok {
		return
	}
	var targets []sinks.Target
	for i := range 25 {
		t := e.target(fmt.Sprintf("many/%02d", i))
		if i > 0 {
			e.write(t, "", Secrets("k", fmt.Sprintf("value-many-%d", i)))
		}
		targets = append(targets, t)
	}
	told := 0
	statter.StatMany(e.Context(), targets, func(i int, info sinks.Info) {
		told++
		if want := e.stat(targets[i]); info != want {
			e.Errorf("StatMany says %+v of %s, Stat %+v", info, targets[i].Location, want)
		}
	})
	if told > len(targets) {
		e.Errorf("StatMany told of %d targets, of %d", told, len(targets))
	}
}
