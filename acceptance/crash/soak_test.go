//go:build acceptance && soak

package crash

import "testing"

// What TestKilledAtEachPoint leaves out.
func TestSoakKilledAtEachPoint(t *testing.T) {
	matrix(t, workers, func() storage { return fileStorage{} }, func(p provider, a action) bool { return !inMatrix(p, a) })
}

func TestSoakKilledAtEachPointWithVault(t *testing.T) { inVault(t, inAnyPlace) }

func TestSoakKilledAtEachPointWithKubernetes(t *testing.T) { inKubernetes(t, inAnyPlace) }

func inAnyPlace(_ provider, a action) bool { return !a.inFiles }
