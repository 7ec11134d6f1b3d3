//go:build acceptance && soak

package storm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestSoakServerStorm is the storm around real servers with many accounts and
// several seeds.
func TestSoakServerStorm(t *testing.T) {
	const storms = 5
	for range storms {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { serverWeather(t, seed, 200) })
	}
}
