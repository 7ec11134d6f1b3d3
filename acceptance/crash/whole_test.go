//go:build acceptance

package crash

// chosen is all of the matrix.
func chosen(provider, action) bool { return true }
