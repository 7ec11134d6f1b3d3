package sinktest

import (
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
	seen := e.stat(t)
	if err := e.check(c.Claim(e.Context(), t, owner, seen)); err != nil {
		e.Fatalf("Claim: %v", err)
	}
	if info := e.stat(t); info.Exists || info.Owner != owner {
		e.Fatalf("Stat after Claim = %+v, want no data and owner %q", info, owner)
	}
	version := e.write(t, seen.Version, secrets("k", "value-claimed"))
	info := e.stat(t)
	if !info.Exists || info.Owner != owner || info.Version != version {
		e.Errorf("Stat after Write = %+v, want owner %q", info, owner)
	}
	if err := e.check(c.Claim(e.Context(), t, owner, info)); err != nil {
		e.Errorf("Claim of what is ours already: %v", err)
	}
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
	theirs := secrets("theirs", "value-theirs")
	e.write(t, "", theirs)
	e.wantError(c.Claim(e.Context(), t, owner, seen), sinks.ErrConflict)
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
	if err := e.check(c.Claim(e.Context(), t, another, seen)); err != nil {
		e.Fatalf("Claim: %v", err)
	}
	e.wantError(c.Claim(e.Context(), t, owner, seen), sinks.ErrConflict)
	if info := e.stat(t); info.Owner != another {
		e.Errorf("owner %q, want %q to stay", info.Owner, another)
	}
	// Someone who was told to adopt it says so by what was seen.
	if err := e.check(c.Claim(e.Context(), t, owner, e.stat(t))); err != nil {
		e.Fatalf("Claim of another's, seen as such: %v", err)
	}
	if info := e.stat(t); info.Owner != owner {
		e.Errorf("owner %q, want %q", info.Owner, owner)
	}
}

func testPreflight(e *env) {
	p, ok := e.sink.(sinks.Preflighter)
	if !ok {
		return
	}
	targets := []sinks.Target{e.target("preflight/a"), e.target("preflight/b")}
	if err := e.check(p.Preflight(e.Context(), targets)); err != nil {
		e.Fatalf("Preflight: %v", err)
	}
	for _, t := range targets {
		if info := e.stat(t); info.Exists || info.Owner != "" {
			e.Errorf("Preflight had an effect: %+v", info)
		}
	}
}
