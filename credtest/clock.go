package credtest

import (
	"sync/atomic"
	"time"
)

// Clock is what descriptions and their tests take the time from. Whoever loads the tests
// gives it to the loader too, since the functions of requests tell the time as well.
type Clock struct {
	machine func() time.Time
	fixed   atomic.Pointer[time.Time]
}

// NewClock returns a clock that goes as another one does, but while a test says what time
// it is.
func NewClock(machine func() time.Time) *Clock { return &Clock{machine: machine} }

// Now tells the time.
func (c *Clock) Now() time.Time {
	if at := c.fixed.Load(); at != nil {
		return *at
	}
	return c.machine()
}

// stopAt has the clock tell one time, or go again where that is zero.
func (c *Clock) stopAt(at time.Time) {
	if at.IsZero() {
		c.fixed.Store(nil)
		return
	}
	c.fixed.Store(&at)
}
