package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
)

// inputFlag collects --var and --var-file in one list, since their order is
// what decides between two values of one variable.
type inputFlag struct {
	app  *app
	file bool
}

// String is what the flag shows of itself: nothing, since it may be a secret.
func (f inputFlag) String() string { return "" }

// Type is what a value of the flag is called.
func (f inputFlag) Type() string { return "string" }

// Set adds a value.
func (f inputFlag) Set(s string) error {
	if s == "" {
		return errors.New("the value is empty")
	}
	in := config.Input{Var: s}
	if f.file {
		in = config.Input{File: s}
	}
	f.app.flags.inputs = append(f.app.flags.inputs, in)
	return nil
}

// sharedFlags are those that every command takes.
type sharedFlags struct {
	chdir     string
	inputs    []config.Input
	noColor   bool
	logLevel  string
	logFormat string
	// gracePeriod is 0 for a command that has no such flag.
	gracePeriod time.Duration
}

// workFlags say how many accounts are worked on, and which.
type workFlags struct {
	shardText   string
	concurrency int
}

func (f *workFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.concurrency, "concurrency", engine.DefaultConcurrency, "work on `N` accounts at once")
	cmd.Flags().StringVar(&f.shardText, "shard", "", "work on part `I/N` of the accounts, with I from 0; with N alone,\nI is JOB_COMPLETION_INDEX, which an Indexed Job sets")
}

// parse checks the flags and returns the shard, nil for all accounts.
func (f *workFlags) parse(a *app) (*address.Shard, error) {
	if f.concurrency < 1 || f.concurrency > 1000 {
		return nil, usageError{fmt.Sprintf("--concurrency is %d", f.concurrency), "It must be from 1 to 1000."}
	}
	if f.shardText == "" {
		return nil, nil
	}
	shard, err := address.ParseShard(f.shardText, a.getenv("JOB_COMPLETION_INDEX"))
	if err != nil {
		return nil, usageError{"--shard has an invalid value", diag.Sentence(err.Error())}
	}
	return shard, nil
}

// The bounds of --grace-period.
const leastGracePeriod, mostGracePeriod = time.Second, time.Hour

// gracePeriodFlag is for the commands that may be told to stop while an upstream is being
// asked for a token.
func (a *app) gracePeriodFlag(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&a.flags.gracePeriod, "grace-period", engine.DefaultGracePeriod, "after a signal, finish the work in progress for at most\nthis long; requests to upstreams keep their own timeout")
}

// addressFlags are shared by plan and apply.
func (a *app) addressFlags(cmd *cobra.Command, r *engine.Request) {
	a.targetFlag(cmd, &r.Targets)
	cmd.Flags().StringArrayVar(&r.Replace, "replace", nil, "get a new token for account `ADDR`, or for those that a\npattern matches, even if the old token is good or the\ncredentials were rejected (repeatable)")
	completeFlag(cmd, "replace", a.completeFlagAddress)
}

// targetFlag is also for status, which replaces nothing.
func (a *app) targetFlag(cmd *cobra.Command, targets *[]string) {
	cmd.Flags().StringArrayVar(targets, "target", nil, "only account `ADDR`, or those that a pattern such as\n'sagi.*' matches (repeatable)")
	completeFlag(cmd, "target", a.completeFlagAddress)
}
