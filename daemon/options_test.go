package daemon

import (
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
)

// The defaults of docs/daemon.md and of the command's help.
func TestDefaults(t *testing.T) {
	d := New(Options{})
	if d.CheckEvery != 10*time.Minute || d.Settle != time.Minute || d.Poll != time.Second ||
		d.Concurrency != engine.DefaultConcurrency {
		t.Errorf("%+v", d.Options)
	}
	d = New(Options{CheckEvery: 1, Settle: 2, Poll: 3, Concurrency: 4})
	if d.CheckEvery != 1 || d.Settle != 2 || d.Poll != 3 || d.Concurrency != 4 {
		t.Errorf("what was set is not kept: %+v", d.Options)
	}
}
