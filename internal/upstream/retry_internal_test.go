package upstream

import (
	"testing"
	"time"
)

// Half of a pause is random, and all of that half is used.
func TestPausesAreSpreadOverTheirLaterHalf(t *testing.T) {
	policy := retryPolicy{pool: NewPool(PoolOptions{})}
	for attempt, full := range []time.Duration{
		500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second,
		10 * time.Second,
	} {
		shortest, longest := full, time.Duration(0)
		for range 10_000 {
			pause := policy.backoff(0, 0, attempt, nil)
			shortest, longest = min(shortest, pause), max(longest, pause)
		}
		if shortest < full/2 || shortest > full*501/1000 || longest > full || longest < full*999/1000 {
			t.Errorf("pause %d is from %v to %v, want %v to %v", attempt, shortest, longest, full/2, full)
		}
	}
	// As many attempts as anyone can configure do not overflow it.
	for _, attempt := range []int{16, 17, 63, 64, 1000} {
		if pause := policy.backoff(0, 0, attempt, nil); pause < 5*time.Second || pause > 10*time.Second {
			t.Errorf("pause %d is %v", attempt, pause)
		}
	}
}
