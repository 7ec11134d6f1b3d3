//go:build soak

package engine_test

import "testing"

// TestSoakWalkOfEdits walks further.
func TestSoakWalkOfEdits(t *testing.T) { walkAll(t, 20, 1000) }
