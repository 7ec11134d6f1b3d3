package main

import "runtime/debug"

// The garbage collector's pace: how much the heap may grow, in percent of what
// is in use, before it is gone through.
const (
	usualGrowth = 100
	mostGrowth  = 400
	// evenAccounts is the number of accounts from which on the usual pace is
	// kept. Ten thousand take 100 to 140 MB at that.
	evenAccounts = 10_000
)

// collectLess lets fewer accounts have the memory that many would need, since
// going through the heap again and again is a tenth of a run's work.
func collectLess(accounts int) { debug.SetGCPercent(growthFor(accounts)) }

func growthFor(accounts int) int {
	return max(usualGrowth, min(mostGrowth, usualGrowth*evenAccounts/max(1, accounts)))
}
