//go:build !unix

package servers

import (
	"errors"
	"syscall"
)

// signal sends the server a signal.
func (p *process) signal(syscall.Signal) error { return errors.ErrUnsupported }
