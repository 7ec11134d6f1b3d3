//go:build !acceptance

package crash

// inMatrix is the part of the matrix that is quick enough for every test run: a
// refresh that works once.
func inMatrix(p provider, a action) bool {
	return p.account.Upstream == "bifit_kassa" && a.name == "refresh"
}

// interruptedInMatrix is the same part, for signals.
func interruptedInMatrix(p provider, a action) bool { return inMatrix(p, a) }
