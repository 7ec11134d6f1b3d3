package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/sinks"
)

// restart has what reads the targets restarted for the newest token, once, and
// only when every target that may be written holds it: a consumer that reads
// two of them must not start with one old token.
func (r *run) restart(ctx context.Context) {
	g := r.seen.record.Newest()
	for i, t := range r.seen.account.targets {
		entry := r.seen.record.Target(t.Sink.Name, t.Target.Location)
		if r.seen.targetErrs[i] != nil || r.writable(i) && (entry == nil || entry.GrantID != g.ID) {
			return
		}
	}
	if r.diagnostics.HasErrors() {
		return
	}
	for i, t := range r.seen.account.targets {
		entry := r.seen.record.Target(t.Sink.Name, t.Target.Location)
		if !r.writable(i) || len(t.Target.Restarts) == 0 || entry.RestartedID == g.ID {
			continue
		}
		err := r.e.restart(ctx, t, g.Token.IssuedAt)
		r.recordTarget("", audit.Restart, t.Sink.Name, t.Target.Location, g.Token.Access, err)
		if err != nil {
			f := r.failure("What reads a target could not be restarted", err)
			f.Range = t.Range
			r.fail(f)
			continue
		}
		entry.RestartedID = g.ID
	}
}

func (e *Engine) restart(ctx context.Context, t *target, stamp time.Time) error {
	s, err := e.Sink(t.Sink)
	if err != nil {
		return err
	}
	restarter, ok := s.(sinks.Restarter)
	if !ok {
		return fmt.Errorf("%s cannot restart anything; take restart out of the deliver block", t.Sink.Name)
	}
	if err := restarter.Restart(ctx, t.Target, stamp); err != nil {
		return fmt.Errorf("%s: %w", t.Sink.Name, err)
	}
	return nil
}
