//go:build !acceptance

package crash

// chosen is the part of the matrix that is quick enough for every test run: a
// refresh that works once.
func chosen(p provider, a action) bool {
	return p.account.Upstream == "bifit_kassa" && a.name == "refresh"
}
