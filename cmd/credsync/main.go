// Credsync gets tokens from third parties and keeps them valid where services
// read them.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/credsync/credsync/internal/crashpoint"
)

func main() {
	// Libraries write to the standard logger what surprises them, net/http
	// even the beginning of an answer that nobody asked for: a token, if an
	// upstream miscounts its bytes. What matters is in the errors they return.
	log.SetOutput(io.Discard)
	ctx, stop := interruptible()
	p := environment{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv, now: crashpoint.Now,
	}
	if os.Getenv("GOGC") == "" {
		leaveSmallHeapAlone()
	}
	code := run(ctx, os.Args[1:], p)
	stop()
	os.Exit(code)
}

// interruptible returns a context that the first SIGINT or SIGTERM ends, so
// that what must not be left half done is finished. The second ends the
// process at once.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitError)
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
