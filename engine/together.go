package engine

import (
	"sync"
	"sync/atomic"
)

// together does all of it at the same time. The last is done right here, so
// that what is alone, as it mostly is, needs no goroutine.
func together(work []func()) {
	if len(work) == 0 {
		return
	}
	last := len(work) - 1
	var others sync.WaitGroup
	for _, f := range work[:last] {
		others.Go(f)
	}
	work[last]()
	others.Wait()
}

// severalAtOnce calls f for 0 to n-1, and returns when all calls have ended. They
// begin in that order.
func (e *Engine) severalAtOnce(n int, f func(i int)) {
	// A goroutine for each account would grow a stack of its own for each.
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(e.Concurrency, n) {
		work.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	work.Wait()
}
