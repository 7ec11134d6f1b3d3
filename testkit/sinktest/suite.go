// Package sinktest is the conformance suite that every sink passes.
package sinktest

import (
	"testing"

	"github.com/credsync/credsync/sinks"
)

// Suite describes a sink to the conformance tests.
type Suite struct {
	// New returns a sink to test. It is called several times, each time for
	// another connection to one and the same place. The place may hold things
	// already, but none under the names that Target is asked for.
	New func(t *testing.T) sinks.Sink
	// Target makes a target of a name such as "read-back" or "list/a". Names
	// differ between tests, so that all can share one place.
	Target func(t *testing.T, name string, merge bool) sinks.Target
	// Faults are broken sinks and the class of error that all their methods
	// return.
	Faults []Fault
	// NoCompareAndSet is for a sink that cannot: the tests of conflicts are
	// then left out.
	NoCompareAndSet bool
	// NoMerge is for a sink, or a format, that cannot merge.
	NoMerge bool
	// MayRefuse is for a format that cannot hold every value. It must then
	// refuse one with ErrUnsupported and write nothing.
	MayRefuse bool
	// Digests is for a sink whose versions are made of nothing but the content, so
	// that the same content has the same version when it is created again.
	Digests bool

	// The rest plays somebody else. What is nil is not tried.

	// Elsewhere returns a connection to another server, where the targets of
	// Target can be written too.
	Elsewhere func(t *testing.T) sinks.Sink
	// Purge deletes a target with all that the sink remembers of it.
	Purge func(t *testing.T, target sinks.Target)
	// SoftDelete deletes a target so that the sink still remembers its versions.
	SoftDelete func(t *testing.T, target sinks.Target)
	// Unmark takes the owner's mark off a target, and leaves its data.
	Unmark func(t *testing.T, target sinks.Target)
}

// Fault is a way to be broken.
type Fault struct {
	Name string
	// Class is what errors.Is must find.
	Class error
	New   func(t *testing.T) sinks.Sink
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	tests := []struct {
		name string
		run  func(*env)
		skip bool
	}{
		{"ReadBack", testReadBack, false},
		{"ReadBackOddValues", testOddValues, false},
		{"StatMissing", testStatMissing, false},
		{"StatExisting", testStatExisting, s.NoCompareAndSet},
		{"CreateOnlyWhereNothingIs", testCreateConflict, s.NoCompareAndSet},
		{"UpdateOnlyAtTheVersion", testUpdateConflict, s.NoCompareAndSet},
		{"OneOfManyCreatorsWins", testConcurrentCreate, s.NoCompareAndSet},
		{"OneOfManyUpdatersWins", testConcurrentUpdate, s.NoCompareAndSet},
		{"DeleteIsIdempotent", testDeleteIdempotent, false},
		{"DeleteAtAnOldVersion", testDeleteConflict, s.NoCompareAndSet},
		{"RecreateAfterDelete", testRecreate, false},
		{"WriteReplacesAllKeys", testReplace, false},
		{"MergeKeepsOtherKeys", testMerge, s.NoMerge},
		{"MergeCreates", testMergeCreates, s.NoMerge},
		{"MergeAtAnOldVersion", testMergeConflict, s.NoMerge || s.NoCompareAndSet},
		{"RemovalOfKeysKeepsTheOthers", testRemoveKeys, s.NoMerge},
		{"WriteDropsKeys", testDrop, s.NoMerge},
		{"WriteDropsKeysAtTheVersion", testDropConflict, s.NoMerge || s.NoCompareAndSet},
		{"WriteDropsKeysWhereNothingIs", testDropCreates, s.NoMerge},
		{"SoftlyDeletedIsDeletedWhole", testSoftDelete, s.SoftDelete == nil},
		{"CreatedAgainIsAnotherVersion", testCreatedAgain, s.Purge == nil},
		{"MarkTakenOff", testMarkTakenOff, s.Unmark == nil},
		{"MergedIsNotMarked", testMergedIsNotMarked, s.NoMerge},
		{"PlaceIsOfTheTarget", testPlace, false},
		{"AtLeadsBack", testAt, false},
		{"PlacesOfOthersAreNotHere", testForeignPlaces, false},
		{"AnotherServerIsAnotherPlace", testElsewhere, s.Elsewhere == nil},
		{"List", testList, false},
		{"CancelledContextChangesNothing", testCancelled, false},
		{"ClaimMarksTheOwnerAndWrites", testClaim, false},
		{"ClaimOnWhatCameIntoBeing", testClaimConflict, false},
		{"ClaimOfAnothers", testClaimOfAnothers, false},
		{"ClaimsAtOnce", testClaimsAtOnce, false},
		{"PreflightHasNoEffect", testPreflight, false},
		{"ScanReadsWhatListNames", testScan, false},
		{"StatManySaysWhatStatSays", testStatMany, false},
		{"PlaceManySaysWhatPlaceSays", testPlaceMany, false},
	}
	for _, test := range tests {
		if test.skip {
			continue
		}
		t.Run(test.name, func(t *testing.T) { test.run(newEnv(t, s)) })
	}
	for _, f := range s.Faults {
		t.Run("Fault/"+f.Name, func(t *testing.T) { testFault(newEnv(t, s), f) })
	}
}
