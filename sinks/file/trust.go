package file

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/credsync/credsync/sinks"
)

// trusted refuses a state's directory that every user of the machine may write
// to, as ssh refuses such a one of keys: whoever puts a record there says what is
// delivered, and whoever removes one lifts a remembered rejection.
//
// Who owns it, and what its group may, is not judged: volumes of containers have
// owners of their own, and are shared by group. Nor are the directories of
// targets, which often are volumes that everyone may write to.
func (s *Sink) trusted(root *os.Root, dir string, t sinks.Target) error {
	if !isState(t.Options) {
		return nil
	}
	info, err := root.Stat(dir)
	// What is missing, or may not be looked at, the next step tells better.
	if err != nil || info.Mode().Perm()&0o002 == 0 {
		return nil
	}
	where := filepath.Join(s.dir, filepath.FromSlash(dir))
	return fmt.Errorf("%w: every user of this machine may write to %s, so what is in the state cannot be trusted: look at what is there, then run \"chmod o-w %s\"", sinks.ErrDenied, where, where)
}
