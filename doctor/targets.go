package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
)

// preflightBatch is how many targets of a sink are asked about in one go.
const preflightBatch = 100

// deliveriesTo are the targets of a sink.
func (d *doctor) deliveriesTo(s *config.Sink) (list []*config.Delivery) {
	for _, a := range d.enabledAccounts() {
		for _, t := range a.Deliveries {
			if t.Sink == s && t.Target.Location != "" {
				list = append(list, t)
			}
		}
	}
	return list
}

// checkPermissions asks each sink whether its targets could be written.
func (d *doctor) checkPermissions(ctx context.Context) {
	var chunks [][]*config.Delivery
	for _, s := range d.usedSinks() {
		list := d.deliveriesTo(s)
		if len(list) == 0 {
			continue
		}
		if err := d.Gate.Down(s); err != nil {
			if !errors.Is(err, errOffline) {
				d.add(Check{Group: Targets, Subject: s.Name, Outcome: Skipped, Message: counted(len(list), "target") + " not checked: see the sink"})
			}
			continue
		}
		chunks = append(chunks, slices.Collect(slices.Chunk(list, preflightBatch))...)
	}
	inParallel(d, ctx, chunks, d.preflight)
}

// preflight asks about several targets at once.
func (d *doctor) preflight(ctx context.Context, list []*config.Delivery) {
	sink, err := d.Gate.Sink(list[0].Sink)
	if err != nil {
		return // servers has reported it.
	}
	p, ok := sink.(sinks.Preflighter)
	if !ok {
		return
	}
	trials := make([]sinks.Trial, len(list))
	for i, t := range list {
		trials[i] = sinks.Trial{Target: t.Target, Adopt: t.Adopt}
		if keys, known := t.Keys(); known {
			trials[i].Keys = keys
		}
	}
	for i, err := range p.Preflight(ctx, trials) {
		d.add(d.checkOfPermission(ctx, list[i], err))
	}
}

func (d *doctor) checkOfPermission(ctx context.Context, t *config.Delivery, err error) Check {
	if err == nil {
		return Check{Group: Targets, Subject: targetSubject(t.Sink.Name, t.Target.Location), Outcome: OK, Message: "can be written"}
	}
	c := failedCheck(Targets, t.Sink, d.explainTimeout(ctx, err))
	c.Subject = targetSubject(t.Sink.Name, t.Target.Location)
	if c.Remedy == "" {
		c.Remedy = "Make the location writable for the user that credsync runs as, or deliver elsewhere."
	}
	return c
}

// checkOwners reports targets that belong to someone else.
func (d *doctor) checkOwners(ap *engine.AccountPlan) {
	for _, t := range ap.Targets {
		if t.Action != plan.BlockedAction || t.Reason != plan.TargetNotOwned {
			continue
		}
		// The planner's message begins with the target and ends with what to do.
		what, remedy, _ := strings.Cut(strings.TrimPrefix(t.Message, t.Sink+" "+t.Location+" "), "; ")
		d.add(Check{
			Group: Targets, Subject: targetSubject(t.Sink, t.Location), Outcome: Failed, Human: true,
			Message: what, Remedy: diag.Sentence(remedy) + " It is a target of " + addressWithPlace(ap) + ".",
		})
	}
}

func targetSubject(sink, location string) string { return sink + " " + location }
