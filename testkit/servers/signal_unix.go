//go:build unix

package servers

import "syscall"

// signal sends the server a signal.
func (p *process) signal(s syscall.Signal) error { return syscall.Kill(p.pid, s) }
