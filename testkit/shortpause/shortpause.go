// Package shortpause makes the pauses of a run short in tests in which other runs are
// really at work.
package shortpause

import (
	"context"
	"sync/atomic"
	"time"
)

// longest is reached where others need as long as on a busy machine.
const longest = 50 * time.Millisecond

// Growing returns a Sleep for one run, which never sleeps for what it is asked:
// a millisecond at first, and longer each time. A run waits only so many times
// for what another one holds; were all pauses short, it would give up where the
// other just has too little of the processor.
func Growing() func(context.Context, time.Duration) error {
	var before atomic.Int64
	return func(ctx context.Context, _ time.Duration) error {
		time.Sleep(min(time.Duration(before.Add(1))*time.Millisecond, longest))
		return ctx.Err()
	}
}
