// Package cost says what a process took. Bench/measure, which is kept small,
// writes it and the benchmarks read it.
package cost

import "time"

// Process is what one process took.
type Process struct {
	Wall, CPU time.Duration
	// Resident is its peak memory, in bytes.
	Resident int64
}
