package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/state"
)

// The topics of notices. Of each, one thing at a time is said of an account, and
// they say nothing of each other: an account that fails may have a certificate
// that ends soon.
const (
	// topicTrouble is whether the account can be rotated.
	topicTrouble = "trouble"
	// topicExpiry is what ends that only a human can renew.
	topicExpiry = "expiry"
)

// noticeClaimLife is for how long a notice that is not known to have arrived may
// still be on its way from another run. Sending takes less.
const noticeClaimLife = 2 * time.Minute

// condition is how an account stands after a run, for those who are notified about it.
type condition struct {
	now time.Time
	// about is what all events of the account share.
	about config.Event
	// blocked is nil unless a human is needed. failed says that the run did not
	// do what was to be done, for another reason; message says which.
	blocked *plan.Block
	failed  bool
	message string
	class   failure.Class
	// clocks are what only a human can renew; clocksKnown is false where the
	// account could not be looked at.
	clocks      []plan.Clock
	clocksKnown bool
	// most is up to where failures are worth counting.
	most int
	// removed says that the account and its record are gone, and told is what was
	// reported of it before.
	removed bool
	told    []state.Notice
}

// message is one notice to send.
type message struct {
	to    *config.Notify
	event config.Event
	// notice is what the record says of it while it is on its way.
	notice state.Notice
}

// condition returns how the account stands; ok is false where this run says
// nothing about that.
func (r *run) condition(ctx context.Context, o Outcome) (c condition, ok bool) {
	gone := r.seen.account == nil && o.Result == Done
	if r.seen.record == nil || gone || r.authenticate || r.plan.Reason == plan.Disabled || ctx.Err() != nil {
		return condition{}, false
	}
	c = condition{
		now: r.e.Now(), most: mostFailures(r.e.Config.Notify), blocked: o.Blocker, failed: o.Blocker == nil &&
			o.Result == Failed, message: o.Message, class: o.Class,
		clocksKnown: r.seen.account != nil && r.plan.Reason != plan.Unreadable,
		about: config.Event{
			Project:  r.e.Config.Project,
			Address:  r.plan.Address,
			Provider: r.seen.record.Provider,
		},
	}
	c.about.Time = c.now
	if r.seen.account != nil {
		c.about.Name = r.seen.account.cfg.Name
		c.about.Description, c.about.Contact = r.seen.account.cfg.Description, r.seen.account.cfg.Contact
	}
	for _, clock := range r.plan.Clocks {
		if clock.Human && !clock.At.IsZero() && clock.Name != plan.AccessToken && clock.Name != plan.RefreshMaterial {
			c.clocks = append(c.clocks, clock)
		}
	}
	return c, true
}

// update brings the record's notices up to date, and returns what is to be sent
// once that is written. changed is false where the record says all already.
func (c condition) update(rec *state.Record, to []*config.Notify) (changed bool, send []message) {
	failures := 0
	if c.failed {
		failures = min(rec.Failures+1, c.most)
	}
	if failures != rec.Failures {
		rec.Failures, changed = failures, true
	}
	for _, n := range to {
		for _, topic := range []string{topicTrouble, topicExpiry} {
			want, known := c.troubleEvent(n, failures), c.blocked == nil && !c.failed
			if topic == topicExpiry {
				want, known = c.expiryEvent(n), c.clocksKnown
			}
			m, dirty := c.nextNotice(rec, n, topic, want, known)
			changed = changed || dirty
			if m != nil {
				send = append(send, *m)
			}
		}
	}
	return changed, send
}

// nextNotice decides what to say to one block on one topic. want is what it would be
// told; nil where there is nothing, which is so for certain only if well.
func (c condition) nextNotice(
	rec *state.Record,
	n *config.Notify,
	topic string,
	want *config.Event,
	well bool,
) (m *message, dirty bool) {
	told := rec.Notice(n.Name, topic)
	if told != nil && told.Address != "" {
		return c.noticeOfMove(rec, n, *told)
	}
	switch {
	case want == nil && (told == nil || !well):
		return nil, false
	case want == nil && told.Event == schema.EventRecovered:
		// It was not sent yet.
		want = c.recoveredEvent(told.Subject)
	case want == nil && (!told.Sent || !n.Wants(schema.EventRecovered)):
		rec.DropNotice(n.Name, topic)
		return nil, true
	case want == nil:
		want = c.recoveredEvent(describeNotice(*told))
	}
	subject := subjectOf(*want)
	if told != nil && told.Event == want.Kind && told.Subject == subject &&
		(told.Sent || isRecent(told.At, c.now, noticeClaimLife)) {
		return nil, false
	}
	want.Topic = topic
	notice := state.Notice{Notify: n.Name, Topic: topic, Event: want.Kind, Subject: subject, At: c.now}
	rec.PutNotice(notice)
	return &message{to: n, event: *want, notice: notice}, true
}

// noticeOfMove ends what was reported about an account under the address that its record was
// moved from: nobody else would. What there is to say under the new one is said next.
func (c condition) noticeOfMove(rec *state.Record, n *config.Notify, told state.Notice) (m *message, dirty bool) {
	was := describeNotice(told)
	switch {
	case told.Event == schema.EventRecovered && isRecent(told.At, c.now, noticeClaimLife):
		return nil, false
	case told.Event == schema.EventRecovered:
		was = told.Subject // it was not sent yet
	case !told.Sent || !n.Wants(schema.EventRecovered):
		rec.DropNotice(n.Name, told.Topic)
		return nil, true
	}
	before := c.asTold(told)
	e := before.recoveredEvent(was)
	e.Message = fmt.Sprintf("It was %s. Its address is now %s; further notifications use that address.", was, c.about.Address)
	e.Summary = before.summaryLine("is now %s", c.about.Address)
	e.Topic = told.Topic
	notice := state.Notice{
		Notify:  n.Name,
		Topic:   told.Topic,
		Event:   e.Kind,
		Subject: was,
		At:      c.now,
		Project: told.Project,
		Address: told.Address,
	}
	rec.PutNotice(notice)
	return &message{to: n, event: *e, notice: notice}, true
}

// noticesOfRemoval end what was told of an account that was removed: a webhook would keep
// its alert for ever.
func (c condition) noticesOfRemoval(to []*config.Notify) (send []message) {
	for _, told := range c.told {
		was, sent := describeNotice(told), told.Sent
		if told.Event == schema.EventRecovered {
			was, sent = told.Subject, true // it was not sent yet
		}
		at := slices.IndexFunc(
			to,
			func(n *config.Notify) bool { return n.Name == told.Notify && n.Wants(schema.EventRecovered) },
		)
		if at < 0 || !sent {
			continue
		}
		before := c.asTold(told)
		e := before.recoveredEvent(was)
		e.Message = fmt.Sprintf("It was %s. The account was removed from the configuration.", was)
		e.Summary = before.summaryLine("was removed from the configuration; it was %s", was)
		e.Topic = told.Topic
		send = append(send, message{to: to[at], event: *e})
	}
	return send
}

// asTold is the condition under the address that a notice was told of.
func (c condition) asTold(told state.Notice) condition {
	if told.Address != "" {
		c.about.Project, c.about.Address, c.about.Name = told.Project, told.Address, nameIn(told.Address)
	}
	return c
}

// nameIn is the name of an account in its address.
func nameIn(address string) string {
	return address[strings.LastIndex(strings.SplitN(address, "[", 2)[0], ".")+1:]
}

// isRecent reports whether what was begun at a time may still be going on. By another
// machine's clock it may have begun a little later than now; a time that is further away,
// which a wrong clock has written, says nothing.
func isRecent(at, now time.Time, life time.Duration) bool { return now.Sub(at).Abs() < life }

// subjectOf tells an event from others of its kind. That an account fails for
// another reason than before is not a change that anyone is notified about.
func subjectOf(e config.Event) string {
	switch e.Kind {
	case schema.EventFailing:
		return ""
	case schema.EventExpiring:
		return e.Reason + " " + e.Deadline.UTC().Format(time.RFC3339)
	}
	return e.Reason
}

// troubleEvent is what a block is sent about an account that needs a human or fails.
func (c condition) troubleEvent(n *config.Notify, failures int) *config.Event {
	e := c.about
	switch {
	case c.blocked != nil && n.Wants(schema.EventBlocked):
		e.Kind, e.Reason, e.Message, e.Since = schema.EventBlocked, string(
			c.blocked.Reason,
		), c.blocked.Message, c.blocked.Since
		e.Summary = c.summaryLine("needs a human (%s): %s", e.Reason, e.Message)
	case c.failed && failures >= n.AfterFailures && n.Wants(schema.EventFailing):
		e.Kind, e.Reason, e.Message, e.Failures = schema.EventFailing, string(c.class), c.message, failures
		e.Summary = c.summaryLine("has failed %d times in a row: %s", failures, e.Message)
	default:
		return nil
	}
	return &e
}

// expiryEvent is what a block is sent about what ends soonest.
func (c condition) expiryEvent(n *config.Notify) *config.Event {
	if !n.Wants(schema.EventExpiring) {
		return nil
	}
	var first *plan.Clock
	for i, clock := range c.clocks {
		if clock.At.Sub(c.now) <= n.Within && (first == nil || clock.At.Before(first.At)) {
			first = &c.clocks[i]
		}
	}
	if first == nil {
		return nil
	}
	e := c.about
	e.Kind, e.Reason, e.Since, e.Deadline = schema.EventExpiring, string(first.Name), first.Since, first.At
	what, day := strings.ReplaceAll(e.Reason, "_", " "), first.At.UTC().Format(time.DateOnly)
	e.Message = fmt.Sprintf("The %s must be replaced by %s, in %s.", what, day, plan.Duration(first.At.Sub(c.now)))
	if !first.At.After(c.now) {
		e.Message = fmt.Sprintf("The %s should have been replaced by %s.", what, day)
	}
	e.Summary = c.summaryLine("needs a human soon: %s", e.Message)
	return &e
}

// describeNotice says what a block was told before.
func describeNotice(n state.Notice) string {
	if n.Subject == "" {
		return n.Event
	}
	return fmt.Sprintf("%s (%s)", n.Event, n.Subject)
}

// recoveredEvent is what a block is sent about an account that is well again.
func (c condition) recoveredEvent(was string) *config.Event {
	e := c.about
	e.Kind, e.Reason = schema.EventRecovered, was
	e.Message = "It was " + e.Reason + "."
	e.Summary = c.summaryLine("has recovered; it was %s", e.Reason)
	return &e
}

// summaryLine makes the one line that a phone shows.
func (c condition) summaryLine(format string, args ...any) string {
	who := c.about.Address
	if c.about.Project != "default" {
		who = c.about.Project + ": " + who
	}
	return who + " " + fmt.Sprintf(format, args...)
}

// mostFailures is up to where failures are worth counting.
func mostFailures(to []*config.Notify) int {
	most := 0
	for _, n := range to {
		if n.Wants(schema.EventFailing) {
			most = max(most, n.AfterFailures)
		}
	}
	return most
}

// TestEventAddress is the account of sample events. No provider has that name.
const TestEventAddress = "account.example.test"

// isTest begins what a sample event says.
const isTest = "This is a test, nothing is wrong. "

// TestEvent is an event of a kind as a real one would be, for trying a notify
// block: every sentence of it says that it is a test. The kind is
// schema.EventTest or one of schema.EventKinds.
func TestEvent(project, kind string, now time.Time) config.Event {
	const because = "The upstream rejects the password."
	c := condition{now: now, about: config.Event{
		Kind: kind, Topic: topicTrouble, Project: project, Address: TestEventAddress, Provider: "example", Name: "test", Time: now,
		Description: "There is no such account.", Contact: "The person who ran credsync notify test.",
		Remedy: "Do nothing: this is a test.",
	}}
	e := c.about
	switch kind {
	case schema.EventBlocked:
		e.Reason, e.Message, e.Since = string(failure.CredentialsRejected), because, now.Add(-time.Hour)
		e.Summary = c.summaryLine("needs a human (%s): %s", e.Reason, e.Message)
	case schema.EventFailing:
		e.Reason, e.Failures = string(failure.Server), 3
		e.Message = "The upstream answers HTTP 500."
		e.Summary = c.summaryLine("has failed %d times in a row: %s", e.Failures, e.Message)
	case schema.EventExpiring:
		clock := plan.Clock{
			Name:  plan.ClockName(providers.ClientCertificate),
			Since: now.AddDate(-1, 0, 0),
			At:    now.AddDate(0, 0, 7),
			Human: true,
		}
		c.clocks = []plan.Clock{clock}
		e = *c.expiryEvent(&config.Notify{On: schema.EventKinds, Within: clock.At.Sub(now)})
		e.Topic = topicExpiry
	case schema.EventRecovered:
		e = *c.recoveredEvent(schema.EventBlocked + " (" + string(failure.CredentialsRejected) + ")")
	default:
		e.Topic, e.Reason, e.Message = schema.EventTest, schema.EventTest, "Someone ran credsync notify test."
		e.Summary = c.summaryLine("is not an account: %s", e.Message)
	}
	e.Summary, e.Message = isTest+e.Summary, isTest+e.Message
	return e
}
