// Package posixfile has what tests make of files where the system is a POSIX one. On
// Windows they are skipped.
package posixfile

import "testing"

// MakePipe makes a named pipe.
func MakePipe(t testing.TB, path string) {
	t.Helper()
	if err := pipe(t, path); err != nil {
		t.Fatal(err)
	}
}

// SetUmask sets the file mode creation mask until the end of the test, which must not run
// in parallel with others.
func SetUmask(t testing.TB, mask int) {
	t.Helper()
	old := setUmask(t, mask)
	t.Cleanup(func() { setUmask(t, old) })
}
