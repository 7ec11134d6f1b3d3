package config

import (
	"fmt"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credsync/credsync/schema/diag"
	"github.com/zclconf/go-cty/cty"
)

// A few lines of HCL can describe more than any machine holds: lists of lists,
// loops in loops. What one value may come to is bounded where it is evaluated; what
// happens inside of one expression is not, so the whole is watched from outside, and its
// loops are stopped; see makeStoppable.
const (
	// maxValueSize is the most that one value may come to, in bytes: elementSize for
	// each element, and the text. Ten thousand accounts need a hundredth.
	maxValueSize = 256 << 20
	elementSize  = 64
	// maxMemoryGrowth is by how much memory may grow while evaluating, in bytes.
	maxMemoryGrowth = 1 << 30
	// maxProcessorTime is how much processor time evaluating may take, not counting what
	// is spent while data is being read. It is no time of the clock, which on a
	// busy machine says nothing of a configuration.
	maxProcessorTime = time.Minute
	// maxChecks is how often evaluation may be found not to be done yet, for
	// what takes no processor time either.
	maxChecks     = 6000
	checkInterval = 100 * time.Millisecond
)

// valueTooLarge reports whether a value comes to more than maxValueSize. It looks at no
// more of it than that.
func valueTooLarge(v cty.Value) bool { return !fitsInto(v, new(int64(maxValueSize))) }

// fitsInto takes the size of a value from what is left.
func fitsInto(v cty.Value, left *int64) bool {
	*left -= elementSize
	v, _ = v.Unmark()
	switch {
	case *left < 0:
		return false
	case !v.IsKnown() || v.IsNull():
		return true
	case v.Type() == cty.String:
		*left -= int64(len(v.AsString()))
		return *left >= 0
	case !v.CanIterateElements():
		return true
	}
	for it := v.ElementIterator(); it.Next(); {
		key, element := it.Element()
		if v.Type().IsMapType() || v.Type().IsObjectType() {
			*left -= int64(len(key.AsString()))
		}
		if !fitsInto(element, left) {
			return false
		}
	}
	return true
}

// waitWithinLimits waits for done, and returns why it was given up before, or "".
func waitWithinLimits(
	done <-chan struct{},
	check <-chan time.Time,
	reading *atomic.Bool,
	heap func() uint64,
	work func() time.Duration,
) string {
	start, checks := heap(), 0
	spent, seen := time.Duration(0), work()
	for {
		select {
		case <-done:
			return ""
		case <-check:
		}
		now, before := work(), seen
		seen = now
		if !reading.Load() {
			checks++
			spent += now - before
		}
		if used := heap(); used > start && used-start > maxMemoryGrowth {
			return fmt.Sprintf("takes more than %d MiB of memory", maxMemoryGrowth>>20)
		}
		if spent > maxProcessorTime {
			return fmt.Sprintf("takes more than %s of processor time", maxProcessorTime)
		}
		if checks > maxChecks {
			return fmt.Sprintf("takes more than %s", maxChecks*checkInterval)
		}
	}
}

// heapInUse is how many bytes of memory objects take, those that could be freed
// included.
func heapInUse() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// abandoned are the paths whose evaluation was given up and has not ended yet.
var abandoned sync.Map

// runWithinLimits runs f, and gives up waiting for it when it takes too much. over then
// tells f to evaluate no further expression, and the loops of the one that it is at to end.
// A call of a function goes on; until it has ended, no other evaluation of that path is
// begun beside it: a daemon tries again.
func runWithinLimits(path string, reading, over *atomic.Bool, f func()) *diag.Diagnostic {
	if _, running := abandoned.Load(path); running {
		d := diag.Errorf("Configuration too large", "An earlier evaluation exceeded its limits and has not ended yet, so the configuration is not evaluated again. "+
			"Look for nested loops, and for values that are built from several copies of others; then restart credsync.")
		return &d
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	ticker := time.NewTicker(checkInterval)
	defer ticker.Stop()
	why := waitWithinLimits(done, ticker.C, reading, heapInUse, processorTime)
	if why == "" {
		return nil
	}
	giveUp(path, over, done)
	d := diag.Errorf("Configuration too large", "Evaluating the configuration %s. Look for nested loops, and for values that are built from several copies of others.", why)
	return &d
}

// giveUp ends an evaluation at the next expression.
func giveUp(path string, over *atomic.Bool, done <-chan struct{}) {
	over.Store(true)
	abandoned.Store(path, true)
	go func() {
		<-done
		abandoned.Delete(path)
	}()
}
