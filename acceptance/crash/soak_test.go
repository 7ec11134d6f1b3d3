//go:build acceptance && soak

package crash

import "testing"

// What TestKilledAtEachPoint leaves out.
func TestSoakKilledAtEachPoint(t *testing.T) {
	matrix(
		t,
		workers,
		func() storage { return fileStorage{} },
		func(p provider, a action) bool { return !inMatrix(p, a) },
	)
}

// Every action of every upstream, interrupted at each point in each way.
func TestSoakInterruptedAtEachPoint(t *testing.T) {
	for _, how := range interruptions {
		t.Run(how, func(t *testing.T) {
			eachPoint(
				t,
				workers,
				func() storage { return fileStorage{} },
				func(provider, action) bool { return true },
				func(t *testing.T, c *recordedRun, i int) {
					c.interruptAt(t, i, how)
				},
			)
		})
	}
}

func TestSoakKilledAtEachPointWithVault(t *testing.T) { inVault(t, inAnyPlace) }

func TestSoakKilledAtEachPointWithKubernetes(t *testing.T) { inKubernetes(t, inAnyPlace) }

func inAnyPlace(_ provider, a action) bool { return !a.inFiles }
