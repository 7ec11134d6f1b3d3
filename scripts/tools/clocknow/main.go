// Command clocknow prints what a Go program takes for the time, and fails where
// that is not the Unix time that it is given, or where TZ names a zone that is
// not known: Go takes such a zone for UTC, and a test in it would show nothing.
//
//	clocknow [SECONDS]
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	now := time.Now()
	if _, err := time.LoadLocation(os.Getenv("TZ")); err != nil {
		fail(err)
	}
	if len(os.Args) > 1 {
		want, err := strconv.ParseInt(os.Args[1], 10, 64)
		if err != nil {
			fail(err)
		}
		if off := now.Unix() - want; off < -1 || off > 5 {
			fail(fmt.Errorf("it is %s, %d seconds off", now, off))
		}
	}
	fmt.Println(now.Format("2006-01-02 15:04:05 -0700 MST"))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "clocknow:", err)
	os.Exit(1)
}
