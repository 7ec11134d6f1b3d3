package main

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/credsync/credsync/schema/diag"
)

// resultWriter is standard output, where the results go. It remembers that something could
// not be written, so that whoever prints need not look: a command does its work to the
// end, and run then says so and ends with 1. Every command prints through it.
type resultWriter struct {
	to io.Writer

	mu  sync.Mutex
	err error
}

// Write writes nothing more once a write has failed: a result with a hole in it would
// look like one.
func (w *resultWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.to.Write(b)
	w.err = err
	return n, err
}

// finish returns what could not be written. Some file systems only say when a file is
// closed that they have no room for it.
func (w *resultWriter) finish() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f, ok := w.to.(*os.File); ok && w.err == nil {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			w.err = f.Close()
		}
	}
	return w.err
}

// resultNotWritten says that what a command printed has not arrived.
func resultNotWritten(err error) diag.Diagnostic {
	cause := err
	var failed *os.PathError
	if errors.As(err, &failed) {
		cause = failed.Err
	}
	if errors.Is(err, syscall.EPIPE) {
		return diag.Errorf("The output could not be written", "The program that reads standard output exited before credsync had printed everything. "+
			"The command itself was completed. To see the whole output, let that program read to the end.")
	}
	return diag.Errorf("The output could not be written", "Standard output: %s. The command itself was completed. "+
		"Send the output to a place that can take it.", cause)
}
