package config

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
)

func TestWatchGivesUpOnTimeAndMemoryButNotOnReading(t *testing.T) {
	never := make(chan struct{})
	checks := make(chan time.Time, 2*maxChecks)
	for range 2 * maxChecks {
		checks <- time.Time{}
	}
	still := func() uint64 { return 1000 }
	var reading atomic.Bool
	idle := func() time.Duration { return 0 }
	spent := time.Duration(0)
	busy := func() time.Duration { spent += time.Second; return spent }
	if why := waitWithinLimits(never, checks, &reading, still, busy); !strings.Contains(
		why,
		"1m0s of processor time",
	) ||
		spent > 70*time.Second {
		t.Errorf("an evaluation without end, after %s: %q", spent, why)
	}
	before := len(checks)
	if why := waitWithinLimits(never, checks, &reading, still, idle); !strings.Contains(why, "10m0s") ||
		before-len(checks) < maxChecks {
		t.Errorf("an evaluation that hangs, after %d checks: %q", before-len(checks), why)
	}

	heap := uint64(0)
	growing := func() uint64 { heap += 256 << 20; return heap }
	if why := waitWithinLimits(never, checks, &reading, growing, idle); !strings.Contains(why, "1024 MiB") {
		t.Errorf("an evaluation that grows: %q", why)
	}

	reading.Store(true)
	done := make(chan struct{})
	for len(checks) < cap(checks) {
		checks <- time.Time{}
	}
	// Done once every check has been made.
	seen := func() uint64 {
		if len(checks) == 0 {
			close(done)
		}
		return 1000
	}
	if why := waitWithinLimits(done, checks, &reading, seen, busy); why != "" {
		t.Errorf("a slow data source: %q", why)
	}
}

func TestSizeOfValues(t *testing.T) {
	text := cty.StringVal(strings.Repeat("x", 1000))
	list := cty.ListVal([]cty.Value{text, text})
	object := cty.ObjectVal(map[string]cty.Value{"key": list, "null": cty.NullVal(cty.String), "unknown": cty.DynamicVal})
	for name, test := range map[string]struct {
		v    cty.Value
		size int64
	}{
		"text":    {text, 1000 + elementSize},
		"number":  {cty.NumberIntVal(5), elementSize},
		"unknown": {cty.UnknownVal(cty.List(cty.String)), elementSize},
		"list":    {list, 2000 + 3*elementSize},
		"marked":  {markSensitive(list), 2000 + 3*elementSize},
		"object":  {object, 2000 + 6*elementSize + 14},
	} {
		enough, short := test.size, test.size-1
		if !fitsInto(test.v, &enough) || fitsInto(test.v, &short) {
			t.Errorf("%s does not have %d bytes", name, test.size)
		}
	}
}

func TestCopiesOfCopiesAreRefusedInTheTermsOfTheConfiguration(t *testing.T) {
	one := cty.StringVal(strings.Repeat("x", 1<<20))
	laugh := one
	for range 40 {
		laugh = cty.TupleVal([]cty.Value{laugh, laugh, laugh})
	}
	// 3^40 nodes, in forty objects: the count must stop by itself.
	if !valueTooLarge(laugh) {
		t.Error("a value of 3^40 elements is taken for small")
	}
	if valueTooLarge(one) {
		t.Error("1 MiB of text is taken for too large")
	}
}
