// Credsync gets tokens from third parties and keeps them valid where services
// read them.
package main

import (
	"io"
	"log"
	"os"
	"time"

	"github.com/credsync/credsync/internal/crashpoint"
)

func main() {
	// Libraries write to the standard logger what surprises them, net/http
	// even the beginning of an answer that nobody asked for: a token, if an
	// upstream miscounts its bytes. What matters is in the errors they return.
	log.SetOutput(io.Discard)
	ctx, interruptions := newInterruptions(time.Now, os.Exit)
	// To the end: a signal that comes when all is done changes nothing any more.
	interruptions.listen()
	p := environment{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		getenv: os.Getenv, now: crashpoint.Now, interruptions: interruptions,
	}
	if os.Getenv("GOGC") == "" {
		leaveSmallHeapAlone()
	}
	os.Exit(run(ctx, os.Args[1:], p))
}
