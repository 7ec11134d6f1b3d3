package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/notify"
	"github.com/credsync/credsync/render"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

func (a *app) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Test the webhooks of notify blocks",
		Args:  cobra.ArbitraryArgs,
		RunE:  noSubcommand,
	}
	cmd.AddCommand(a.notifyTestCommand())
	return cmd
}

// sampleKinds are the kinds of events that can be sent as a test.
func sampleKinds() []string { return append([]string{schema.EventTest}, schema.EventKinds...) }

// notifyTestFlags are the notify test command's own.
type notifyTestFlags struct {
	json  bool
	event string
}

func (a *app) notifyTestCommand() *cobra.Command {
	var f notifyTestFlags
	cmd := &cobra.Command{
		Use:   "test [NAME...]",
		Short: "Send a test message to the webhooks",
		Long: "Send a test message to the webhook of each notify block, or of the named ones,\n" +
			"and print each webhook's answer. The message is about account.example.test,\n" +
			"which does not exist. Nothing is remembered, and no upstream or target is\n" +
			"contacted.\n\n" +
			"With --event the message has that kind, to try a body that depends on the kind.\n" +
			"Webhooks that are not subscribed to that kind are skipped.\n\n" +
			"Exit codes: 0 every message was accepted; 1 a message was not accepted, or none\n" +
			"was sent.",
		ValidArgsFunction: a.completeNotify,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.notifyTest(cmd.Context(), args, f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.StringVar(&f.event, "event", schema.EventTest, "send a message of this `KIND`: "+strings.Join(sampleKinds(), ", "))
	completeFlag(cmd, "event", words(sampleKinds()...))
	return cmd
}

func (a *app) notifyTest(ctx context.Context, names []string, f notifyTestFlags) error {
	if !slices.Contains(sampleKinds(), f.event) {
		return usageError{fmt.Sprintf("--event is %q", f.event), "It must be one of " + strings.Join(sampleKinds(), ", ") + "."}
	}
	w, diags := a.open(ctx, a, ".", 0)
	if w == nil {
		a.out.Sendings("", f.event, nil, diags, f.json)
		return exitStatus(exitError)
	}
	defer w.close()
	chosen, problems := chooseNotify(w.config.Notify, names)
	diags = append(diags, problems...)
	var list []render.Sending
	if !problems.HasErrors() {
		list = sendSamples(ctx, chosen, engine.TestEvent(w.config.Project, f.event, a.now()))
	}
	if ctx.Err() != nil {
		diags = append(diags, interrupted())
	}
	a.out.Sendings(w.config.Project, f.event, list, diags, f.json)
	sent := slices.ContainsFunc(list, func(s render.Sending) bool { return s.Outcome == render.Sent })
	failed := slices.ContainsFunc(list, func(s render.Sending) bool { return s.Outcome == render.NotSent })
	return commandResult{failed: !sent || failed || diags.HasErrors()}.asError()
}

// chooseNotify returns the blocks that are named, in any of the ways in which a
// person names one, or all.
func chooseNotify(all []*config.Notify, names []string) (chosen []*config.Notify, problems diag.List) {
	if len(all) == 0 {
		return nil, diag.List{diag.Errorf("There is no notify block", "The configuration has no notify block, so nothing was sent. Add one, or name the configuration's directory with -C DIR.")}
	}
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, n := range all {
		known = append(known, strings.TrimPrefix(n.Name, "webhook."))
	}
	for _, name := range names {
		i := slices.Index(known, strings.TrimPrefix(strings.TrimPrefix(name, "notify."), "webhook."))
		switch {
		case i < 0:
			problems = append(problems, diag.Errorf("No such notify block", "No notify block has the name %q, so nothing was sent. The configuration has %s.", name, strings.Join(known, ", ")))
		case !slices.Contains(chosen, all[i]):
			chosen = append(chosen, all[i])
		}
	}
	return chosen, problems
}

// samplesAtOnce is how many messages are sent at the same time.
const samplesAtOnce = 4

// sendSamples sends one event to each. Those that do not ask for events of its
// kind are left out; everyone takes a test.
func sendSamples(ctx context.Context, to []*config.Notify, e config.Event) []render.Sending {
	sender := notify.New(thisVersion().Version)
	defer sender.Close()
	list := make([]render.Sending, len(to))
	var work errgroup.Group
	work.SetLimit(samplesAtOnce)
	for i, n := range to {
		list[i] = render.Sending{To: n, Outcome: render.NotWanted}
		if e.Kind != schema.EventTest && !n.Wants(e.Kind) {
			continue
		}
		work.Go(func() error {
			s := &list[i]
			s.Outcome = render.Sent
			if s.Status, s.Err = sender.Try(ctx, n, e); s.Err != nil {
				s.Outcome, s.Unmade = render.NotSent, errors.Is(s.Err, notify.ErrBody)
			}
			return nil
		})
	}
	_ = work.Wait()
	return list
}
