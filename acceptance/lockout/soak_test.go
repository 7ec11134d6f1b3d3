//go:build soak

package lockout

import "testing"

// TestSoakEveryDocumentedRefusal is the promise to the letter: a thousand applies
// of each row.
func TestSoakEveryDocumentedRefusal(t *testing.T) { everyRefusal(t, 1000) }
