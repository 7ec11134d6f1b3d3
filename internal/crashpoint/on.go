//go:build crashpoints && unix

package crashpoint

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The environment of a program under test: a file to which the points are
// written in their order, the point to be killed at, by its name or by how many
// it is the last of, or to be interrupted at and how, and how far the clock is ahead.
const (
	recordVariable    = "CREDSYNC_CRASHPOINTS_RECORD"
	killVariable      = "CREDSYNC_CRASHPOINTS_KILL"
	killNthVariable   = "CREDSYNC_CRASHPOINTS_KILL_NTH"
	interruptVariable = "CREDSYNC_CRASHPOINTS_INTERRUPT"
	howVariable       = "CREDSYNC_CRASHPOINTS_HOW"
	clockVariable     = "CREDSYNC_CRASHPOINTS_CLOCK"
)

var (
	mu      sync.Mutex
	reached = map[string]int{}
	total   int
)

// Reach names the moment before what is named has an effect on a file.
func Reach(what, file string) { at(what + " " + filepath.Base(file)) }

// at names a moment, writes it down, and ends the program there if it was asked
// to.
func at(what string) {
	mu.Lock()
	defer mu.Unlock()
	reached[what]++
	total++
	name := fmt.Sprintf("%s #%d", what, reached[what])
	if os.Getenv(interruptVariable) == name {
		interrupt(os.Getenv(howVariable))
	}
	if record := os.Getenv(recordVariable); record != "" {
		f, err := os.OpenFile(record, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			panic(err)
		}
		defer func() { _ = f.Close() }()
		if _, err := f.WriteString(name + "\n"); err != nil {
			panic(err)
		}
	}
	if os.Getenv(killVariable) == name || os.Getenv(killNthVariable) == strconv.Itoa(total) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// interrupt does to the program what its surroundings could: how is signals, as in
// "INT,TERM", or "closed", for readers of its output that go away.
func interrupt(how string) {
	if how == "closed" {
		closeOutput()
		return
	}
	for name := range strings.SplitSeq(how, ",") {
		if err := syscall.Kill(os.Getpid(), unix.SignalNum("SIG"+name)); err != nil {
			panic(err)
		}
	}
}

// closeOutput puts a pipe that nobody reads in place of standard output and error.
func closeOutput() {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	for _, fd := range []int{1, 2} {
		if err := unix.Dup2(int(w.Fd()), fd); err != nil {
			panic(err)
		}
	}
	_ = w.Close()
	_ = r.Close()
}

// Transport names the moments of each request: before it is sent, when it was
// processed and its answer has reached nobody, and when the answer was read.
func Transport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	what := r.Method + " " + path.Clean(r.URL.Path)
	at("send " + what)
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	at("answer lost " + what)
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), &end{what: what}))
	return resp, nil
}

// end is the moment at which an answer has been read.
type end struct {
	what string
	once sync.Once
}

// Read implements io.Reader.
func (e *end) Read([]byte) (int, error) {
	e.once.Do(func() { at("answered " + e.what) })
	return 0, io.EOF
}

// Now is the clock.
func Now() time.Time {
	ahead, err := time.ParseDuration(os.Getenv(clockVariable))
	if err != nil {
		return time.Now()
	}
	return time.Now().Add(ahead)
}
