// Package port reserves ports at which a test, or a program that it starts,
// listens later or never.
package port

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
)

// Reserve returns a port of 127.0.0.1 that nothing listens on, and that no other
// program is given before the test ends: a connection to it is refused, until
// someone listens at it who asks for just this one. To listen at any port and
// close it again would leave it to whoever comes next, such as another run of
// the same tests.
func Reserve(t testing.TB) int {
	t.Helper()
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	free := func() { _ = syscall.Close(fd) }
	if runtime.GOOS == "linux" {
		t.Cleanup(free)
	} else {
		// Elsewhere nobody could listen at a port that is bound.
		defer free()
	}
	// Listeners of Go programs share a port so with what is bound and does not
	// listen.
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return at.(*syscall.SockaddrInet4).Port
}

// Address is a reserved port with its host: "127.0.0.1:12345".
func Address(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", Reserve(t))
}
