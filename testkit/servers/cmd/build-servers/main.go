// Command build-servers builds the servers that the acceptance tests need ahead
// of the tests, and prints where they are.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/credsync/credsync/testkit/servers/binary"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, s := range binary.All() {
		path, err := binary.Find(ctx, s, os.Stderr)
		if err != nil {
			fmt.Fprintln(os.Stderr, "build-servers:", err)
			os.Exit(1)
		}
		fmt.Printf("%s\t%s\n", s.Name, path)
	}
}
