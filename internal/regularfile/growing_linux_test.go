package regularfile_test

import (
	"errors"
	"os"
	"testing"

	"github.com/credsync/credsync/internal/regularfile"
)

// What the kernel says of its own files is that they are regular and empty, whatever
// comes when they are read. So does a file that grows meanwhile have more than it had.
func TestAFileThatHasMoreThanItSaysIsRefusedToo(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc here")
	}
	if b, err := regularfile.Read("/proc/self/status", 1<<20); err != nil || len(b) <= 10 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if b, err := regularfile.Read("/proc/self/status", 10); !errors.Is(err, regularfile.ErrTooLarge) || b != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
