// Command mutate asks whether the tests of a package notice when its code is
// wrong: it changes one thing at a time (a condition, an operand, a bound, an
// error) and runs the package's own tests against the changed code.
//
//	mutate -root FOLDER [-seed N] [-n N] [-parallel N] [PACKAGE ...]
//
// What is changed is drawn at random from all that could be, the same for the
// same seed and the same code. The go command is given the changed file as an
// overlay, so the tree itself is never touched. A change that does not compile
// is replaced by the next.
//
// It is a program of this project since none that could be had fits: gremlins
// (0.6) exchanges operators only, draws no sample, and has one limit of time for
// the whole module, by its slowest package.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// options are what the command line says.
type options struct {
	root     string
	seed     uint64
	n        int
	parallel int
	patterns []string
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "the module's folder")
	flag.Uint64Var(&o.seed, "seed", 1, "which sample is drawn")
	flag.IntVar(&o.n, "n", 50, "how many changes are tried, spread evenly over the packages")
	flag.IntVar(&o.parallel, "parallel", 2, "how many are tried at a time")
	flag.Parse()
	o.patterns = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.n < 1 || o.parallel < 1 {
		return fmt.Errorf("-n and -parallel must be 1 or more")
	}
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	packages, skipped, err := findPackages(ctx, root, o.patterns)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	// The user that the tests run as has to find its binaries and folders.
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	for _, s := range skipped {
		fmt.Printf("%s is skipped: %s.\n", s.path, s.why)
	}
	fmt.Printf("Seed %d.\n", o.seed)
	var all []tally
	for i, p := range packages {
		share := o.n / len(packages)
		if i < o.n%len(packages) {
			share++
		}
		if share == 0 {
			continue
		}
		t, err := tryPackage(ctx, root, work, p, share, o)
		if err != nil {
			return err
		}
		t.print(os.Stdout)
		all = append(all, t)
	}
	printTable(os.Stdout, all)
	return nil
}
