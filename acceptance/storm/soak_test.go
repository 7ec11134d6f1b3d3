//go:build soak

package storm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestSoakStorm is the storm at its real size, over and over with new seeds.
func TestSoakStorm(t *testing.T) {
	const storms = 10
	for range storms {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { weatherOf(t, seed, 300) })
	}
}
