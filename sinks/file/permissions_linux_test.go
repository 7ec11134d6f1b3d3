package file_test

import "syscall"

// becomeOnThisThread makes this thread, and no other, use files as an ordinary
// user does, until restore is called.
func becomeOnThisThread(user, group int) (restore func()) {
	_ = syscall.Setfsgid(group)
	_ = syscall.Setfsuid(user)
	return func() {
		_ = syscall.Setfsuid(0)
		_ = syscall.Setfsgid(0)
	}
}
