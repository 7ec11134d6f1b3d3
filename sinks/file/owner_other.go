//go:build !unix

package file

import (
	"fmt"
	"io/fs"
	"runtime"

	"github.com/credsync/credsync/sinks"
)

// protects reports whether modes and locks keep a file from other users and writers here.
func protects() error {
	return fmt.Errorf("%w: credsync does not write tokens to files on %s, because file modes and locks do not protect them there; use a vault or k8ssecret sink and state, or run credsync on Linux, for example in WSL", sinks.ErrUnsupported, runtime.GOOS)
}

// ownerOf is whose a file is, which this system does not tell by numbers.
func ownerOf(fs.FileInfo) (owner, group int) { return unowned, unowned }
