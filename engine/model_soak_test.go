//go:build soak

package engine_test

import "testing"

// TestSoakInterleavings explores every scenario with more events, which takes
// minutes for each.
func TestSoakInterleavings(t *testing.T) {
	all := func(scenario) bool { return true }
	t.Run("with a crash, whose requests may arrive later", func(t *testing.T) { exploreAll(t, all, budget{kills: 1, late: true}) })
	t.Run("with an expiry", func(t *testing.T) { exploreAll(t, all, budget{jumps: 1}) })
	quick := func(s scenario) bool { return s.quick }
	t.Run("with an expiry between an effect and its answer", func(t *testing.T) { exploreAll(t, quick, budget{jumps: 1, moments: true}) })
	t.Run("with a crash and an expiry", func(t *testing.T) { exploreAll(t, quick, budget{kills: 1, jumps: 1}) })
}
