package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
	"golang.org/x/sync/errgroup"
)

const (
	// notifyWithin bounds how long all notices of a run may take. What is not
	// sent by then is sent by the next run.
	notifyWithin = time.Minute
	// notifyAtOnce is how many are sent at the same time.
	notifyAtOnce = 4
	// notifyPause is for how long a block is left alone after it could not be
	// told something: what one notice fails for, the next mostly does too.
	notifyPause = time.Minute
	// markTries bounds how often a run waits for another to be done with the
	// account, to note that a notice has arrived.
	markTries = 60
)

// notices are what is to be told when the work is done.
type notices struct {
	mu      sync.Mutex
	waiting []condition
	// sending says that sendNoticesInBackground is at it.
	sending bool
	// down are the blocks that are left alone until then, by name.
	down map[string]time.Time
	// failed are the notices that could not be sent, by block. removed are those of them
	// that no later run sends, since their accounts' records are gone.
	failed, removed map[*config.Notify]failedNotices
}

type failedNotices struct {
	count   int
	address string
	err     error
}

// queueNotices keeps what there is to report of an account until sendNotices. Mostly there
// is nothing, which is found out without a request.
func (r *run) queueNotices(ctx context.Context, o Outcome) {
	if r.e.Notify == nil || len(r.e.Config.Notify) == 0 {
		return
	}
	c, ok := r.condition(ctx, o)
	if !ok {
		return
	}
	if changed, _ := c.update(r.seen.record.Clone(), r.e.Config.Notify); !changed {
		return
	}
	r.e.notices.mu.Lock()
	defer r.e.notices.mu.Unlock()
	r.e.notices.waiting = append(r.e.notices.waiting, c)
}

// queueNoticesOfRemoval keeps what ends the alerts of an account whose record is gone.
func (e *Engine) queueNoticesOfRemoval(rec *state.Record) {
	if e.Notify == nil || len(rec.Notices) == 0 {
		return
	}
	about := config.Event{
		Project:  rec.Project,
		Address:  rec.Address,
		Provider: rec.Provider,
		Name:     nameIn(rec.Address),
		Time:     e.Now(),
	}
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	e.notices.waiting = append(
		e.notices.waiting,
		condition{now: about.Time, about: about, removed: true, told: rec.Notices},
	)
}

// sendNotices sends what is waiting, and returns warnings of what could not be sent.
// It never takes longer than notifyWithin, and changes nothing of what was done.
func (e *Engine) sendNotices(ctx context.Context) diag.List {
	e.notices.mu.Lock()
	waiting := e.notices.waiting
	e.notices.waiting = nil
	e.notices.mu.Unlock()
	if len(waiting) == 0 || ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, notifyWithin)
	defer cancel()
	var work errgroup.Group
	work.SetLimit(notifyAtOnce)
	for _, c := range waiting {
		work.Go(func() error {
			if ctx.Err() == nil {
				e.sendNoticesOf(ctx, c)
			}
			return nil
		})
	}
	_ = work.Wait()
	return e.unsentWarnings()
}

// sendNoticesInBackground sends what is waiting while the caller goes on. What fails is in the
// log, and told at the account's next turn.
func (e *Engine) sendNoticesInBackground(ctx context.Context) {
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	if e.notices.sending || len(e.notices.waiting) == 0 {
		return
	}
	e.notices.sending = true
	go func() {
		for e.moreNotices(ctx) {
			e.sendNotices(ctx)
		}
	}()
}

// moreNotices reports whether there is more to send; where there is not,
// another sendNoticesInBackground may begin.
func (e *Engine) moreNotices(ctx context.Context) bool {
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	e.notices.sending = len(e.notices.waiting) > 0 && ctx.Err() == nil
	return e.notices.sending
}

// unsentWarnings returns the warnings of what could not be sent since the last call.
func (e *Engine) unsentWarnings() diag.List {
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	var list diag.List
	warn := func(failed map[*config.Notify]failedNotices, format string) {
		for n, f := range failed {
			whom := f.address
			if f.count > 1 {
				whom = fmt.Sprintf("%s and %d others", f.address, f.count-1)
			}
			d := diag.Warningf("The notification failed", format, n.Name, whom, diag.Clause(f.err.Error()))
			d.Range = n.Range
			list = append(list, d)
		}
	}
	warn(e.notices.failed, "notify.%s could not report %s: %s. The next run tries again.")
	warn(e.notices.removed, "notify.%s could not report the removal of %s: %s. No later run reports it: close its alert by hand.")
	slices.SortFunc(list, func(a, b diag.Diagnostic) int { return cmp.Compare(a.Detail, b.Detail) })
	e.notices.failed, e.notices.removed = nil, nil
	return list
}

// sendNoticesOf reports one account. That something is being sent is written to the
// account's record before, so that of several runs one sends it, and that it has
// arrived after. A run that is killed between the two leaves a notice that a
// later one sends again.
func (e *Engine) sendNoticesOf(ctx context.Context, c condition) {
	if c.removed {
		e.sendNoticesOfRemoval(ctx, c)
		return
	}
	send, err := e.claimNotices(ctx, c)
	if err != nil {
		e.Log.Warn("the notification was not sent, because it could not be recorded in the state", "address", c.about.Address, "error", err)
		return
	}
	var sent []state.Notice
	for _, m := range send {
		if err := e.Notify(ctx, m.to, m.event); err != nil {
			e.noteUnsent(&e.notices.failed, m, err)
			continue
		}
		sent = append(sent, m.notice)
	}
	if len(sent) == 0 {
		return
	}
	if err := e.markSent(ctx, c.about.Address, sent); err != nil {
		e.Log.Warn("the notification was sent, but could not be recorded in the state; it may be sent again", "address", c.about.Address, "error", err)
	}
}

// sendNoticesOfRemoval reports an account whose record is gone, so that nothing can be
// noted of it: only the run that removed the record reports it, once.
func (e *Engine) sendNoticesOfRemoval(ctx context.Context, c condition) {
	for _, m := range c.noticesOfRemoval(e.reachableBlocks()) {
		if err := e.Notify(ctx, m.to, m.event); err != nil {
			e.noteUnsent(&e.notices.removed, m, err)
		}
	}
}

func (e *Engine) noteUnsent(in *map[*config.Notify]failedNotices, m message, err error) {
	e.Log.Warn("a notification could not be sent", "notify", m.to.Name, "address", m.event.Address, "error", err)
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	if e.notices.down == nil {
		e.notices.down = map[string]time.Time{}
	}
	e.notices.down[m.to.Name] = e.Now().Add(notifyPause)
	if *in == nil {
		*in = map[*config.Notify]failedNotices{}
	}
	f := (*in)[m.to]
	if f.count == 0 {
		f.address, f.err = m.event.Address, err
	}
	f.count++
	(*in)[m.to] = f
}

// reachableBlocks are the blocks that are not left alone.
func (e *Engine) reachableBlocks() []*config.Notify {
	e.notices.mu.Lock()
	defer e.notices.mu.Unlock()
	var list []*config.Notify
	for _, n := range e.Config.Notify {
		if !e.Now().Before(e.notices.down[n.Name]) {
			list = append(list, n)
		}
	}
	return list
}

// claimNotices writes to the record what is about to be sent. It returns
// nothing where another run has told it, or is working on the account and will.
func (e *Engine) claimNotices(ctx context.Context, c condition) (send []message, err error) {
	err = e.updateRecord(ctx, c.about.Address, writeTries, func(rec *state.Record) (*state.Record, error) {
		send = nil
		switch {
		case rec == nil && c.about.Name == "":
			// It has gone from the configuration, and now from the state.
			return nil, nil
		case rec == nil:
			rec = state.New(e.Config.Project, c.about.Address, c.about.Provider)
		case e.held(rec):
			// Writing now would make the holder believe that it lost its lease.
			return nil, nil
		}
		var changed bool
		if changed, send = c.update(rec, e.reachableBlocks()); !changed {
			return nil, nil
		}
		rec.Notices = slices.DeleteFunc(rec.Notices, e.isOfRemovedBlock)
		return rec, nil
	})
	if err != nil {
		return nil, err
	}
	return send, nil
}

// isOfRemovedBlock reports whether the block that was told has gone from the
// configuration.
func (e *Engine) isOfRemovedBlock(n state.Notice) bool {
	return !slices.ContainsFunc(e.Config.Notify, func(c *config.Notify) bool { return c.Name == n.Notify })
}

// markSent writes to the record that notices have arrived.
func (e *Engine) markSent(ctx context.Context, address string, sent []state.Notice) error {
	return e.updateRecord(ctx, address, markTries, func(rec *state.Record) (*state.Record, error) {
		switch {
		case rec == nil:
			return nil, nil
		case e.held(rec):
			return nil, errAtWork
		case !markArrived(rec, sent):
			return nil, nil
		}
		return rec, nil
	})
}

// markArrived notes what has arrived, unless something else is being said by now.
func markArrived(rec *state.Record, sent []state.Notice) (changed bool) {
	for _, n := range sent {
		told := rec.Notice(n.Notify, n.Topic)
		if told == nil || told.Sent || told.Event != n.Event || told.Subject != n.Subject {
			continue
		}
		changed = true
		if n.Event == schema.EventRecovered {
			rec.DropNotice(n.Notify, n.Topic)
		} else {
			told.Sent = true
		}
	}
	return changed
}
