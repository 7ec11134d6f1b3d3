//go:build soak

package storm

import (
	"fmt"
	"testing"
)

// TestSoakStorm is the storm at its real size, over and over with new seeds.
func TestSoakStorm(t *testing.T) {
	const storms = 10
	for _, seed := range newSeeds(t, storms) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { wholeStorm(t, seed, 300) })
	}
}
