package main

import (
	"runtime"
	"testing"
	"time"
)

func TestSmallHeapIsLeftAlone(t *testing.T) {
	for inUse, want := range map[uint64]int{0: 100, 4 << 20: 900, 10 << 20: 300, 20 << 20: 100, 40 << 20: 100,
		1 << 30: 100} {
		if got := heapGrowthPercent(inUse); got != want {
			t.Errorf("%d bytes in use: the heap may grow by %d %%, want %d %%", inUse, got, want)
		}
	}
}

func TestPaceIsSetAfterEachCollection(t *testing.T) {
	called := make(chan struct{}, 1)
	afterEachCollection(func() {
		// It is called to the end of the process, and must not hold up other finalizers.
		select {
		case called <- struct{}{}:
		default:
		}
	})
	for i := range 3 {
		runtime.GC()
		select {
		case <-called:
		case <-time.After(10 * time.Second):
			t.Fatalf("nothing was called after collection %d", i)
		}
	}
}
