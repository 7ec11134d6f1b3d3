package main

import (
	"context"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/notify"
	"github.com/credsync/credsync/render"
)

// notifier returns what sends the messages of notify blocks, with the remedy
// that the commands print too; nil where there is no such block. A configuration
// that is read again goes on with the same connections.
func (a *app) notifier(c *config.Config) func(context.Context, *config.Notify, config.Event) error {
	if len(c.Notify) == 0 {
		return nil
	}
	if a.sender == nil {
		a.sender = notify.New(thisVersion().Version)
	}
	sender := a.sender
	return func(ctx context.Context, to *config.Notify, e config.Event) error {
		e.Remedy = render.Remedy(e)
		return sender.Send(ctx, to, e)
	}
}
