package main

import (
	"cmp"
	"os"
	"testing"
	"time"
)

// A test begins at this moment whenever it is run, so that the dates that it
// prints, and the lines that are broken at them, are always the same.
var begins = time.Date(2026, time.March, 2, 10, 0, 0, 0, time.UTC)

// The environment of a credsync that a test runs as a program of its own: when
// the test began, by the machine's clock, and how far the clock is moved since.
// Nothing but this test binary looks at them.
const (
	beganVariable = "SCRIPT_BEGAN"
	clockVariable = "SCRIPT_CLOCK"
	// paceVariable is how much time passes from one signal to the next.
	paceVariable = "SCRIPT_SIGNAL_PACE"
)

// clock is that of a test: it goes on as the machine's does, from begins.
type clock struct{ began time.Time }

// newClock has no monotonic reading, which would not outlive the process.
func newClock() clock { return clock{time.Now().Round(0)} }

// now is in the local zone, as is time.Now.
func (c clock) now() time.Time { return begins.Add(time.Since(c.began)).Local() }

// String is for beganVariable.
func (c clock) String() string { return c.began.Format(time.RFC3339Nano) }

// programClock is the clock of a program that a test runs.
func programClock() func() time.Time {
	began, err := time.Parse(time.RFC3339Nano, os.Getenv(beganVariable))
	if err != nil {
		panic(err)
	}
	shift, err := time.ParseDuration(os.Getenv(clockVariable))
	if err != nil {
		panic(err)
	}
	return func() time.Time { return clock{began}.now().Add(shift) }
}

// signalClock is what a program that a test runs measures the time between signals with.
func signalClock() func() time.Time {
	pace, err := time.ParseDuration(cmp.Or(os.Getenv(paceVariable), "0s"))
	if err != nil {
		panic(err)
	}
	now := begins
	return func() time.Time { now = now.Add(pace); return now }
}

// A program agrees with its test about the time, wherever the machine is and
// whatever its clock says.
func TestProgramHasTheClockOfItsTest(t *testing.T) {
	t.Setenv(clockVariable, "1h")
	for name, zone := range map[string]*time.Location{
		"UTC": time.UTC, "east of it": time.FixedZone("+14", 14*60*60), "west of it": time.FixedZone("-11", -11*60*60),
	} {
		t.Run(name, func(t *testing.T) {
			c := clock{time.Now().In(zone).Round(0)}
			t.Setenv(beganVariable, c.String())
			before, now, after := c.now(), programClock()().Add(-time.Hour), c.now()
			if now.Before(before) || now.After(after) || before.Before(begins) {
				t.Errorf("%v is not between %v and %v", now, before, after)
			}
		})
	}
}
