//go:build acceptance && soak

package storm

import (
	"fmt"
	"testing"
)

// TestSoakServerStorm is the storm around real servers with many accounts and
// several seeds.
func TestSoakServerStorm(t *testing.T) {
	const storms = 5
	for _, seed := range newSeeds(t, storms) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { wholeServerStorm(t, seed, 200) })
	}
}
