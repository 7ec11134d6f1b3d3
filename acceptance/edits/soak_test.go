//go:build acceptance && soak

package edits

import "testing"

// TestSoakWalkOfEdits walks further.
func TestSoakWalkOfEdits(t *testing.T) { walkAll(t, 1, 1000) }
