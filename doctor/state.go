package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/state/admin"
)

// sampledRecords is how many records' places are asked about, where each takes a
// request.
const sampledRecords = 20

// checkState says whether the records can be read and written, and what is out of
// the ordinary in them. It reports whether any could be read.
func (d *doctor) checkState(ctx context.Context) (readable bool) {
	s := d.Config.State
	if s == nil {
		return false
	}
	if err := d.Gate.Down(s.Sink); err != nil {
		if !errors.Is(err, errOffline) {
			d.add(Check{Group: State, Subject: s.Sink.Name, Outcome: Skipped, Message: "not checked: see the sink"})
		}
		return false
	}
	place, err := s.Record("")
	if err != nil || d.Store == nil {
		return false // What is wrong with the block was said when it was read.
	}
	if s.Values.Has("age_identity") && s.Values.IsSet("age_identity") && s.Values.Known("age_identity") {
		d.add(Check{Group: State, Subject: place.Location, Outcome: OK, Message: "is encrypted, and age_identity decrypts what age_recipient encrypts"})
	}
	d.boundedInTime(ctx, func(ctx context.Context) { d.checkStateWritable(ctx, place.Location) })
	d.boundedInTime(ctx, func(ctx context.Context) { d.checkStateLasts(ctx, place) })
	d.boundedInTime(ctx, func(ctx context.Context) { readable = d.checkRecords(ctx, place.Location) })
	return readable
}

// checkStateWritable asks the sink whether records could be written.
func (d *doctor) checkStateWritable(ctx context.Context, location string) {
	s := d.Config.State
	sink, err := d.Gate.Sink(s.Sink)
	if err != nil {
		return // servers has reported it.
	}
	p, ok := sink.(sinks.Preflighter)
	if !ok {
		return
	}
	var records []sinks.Trial
	for _, a := range d.enabledAccounts() {
		if t, err := s.Record(state.RecordName(d.Config.Project, a.Address)); err == nil &&
			len(records) < sampledRecords {
			records = append(records, sinks.Trial{Target: t})
		}
	}
	c := Check{Group: State, Subject: location, Outcome: OK, Message: "can be written"}
	// What is wrong with one is most often wrong with all.
	if errs, _ := sinks.Combined(p.Preflight(ctx, records)); len(errs) > 0 {
		err := errs[0]
		c = failedCheck(State, s.Sink, d.explainTimeout(ctx, err))
		c.Subject = location
		if c.Remedy == "" {
			c.Remedy = "Make the location writable for the user that credsync runs as, or set another one in the state block. Without the state credsync cannot get any token: it stores each one there before delivering it."
		}
	}
	d.add(c)
}

// checkStateLasts reports places that lose records, or do not keep runs apart.
func (d *doctor) checkStateLasts(ctx context.Context, place sinks.Target) {
	sink, err := d.Gate.Sink(d.Config.State.Sink)
	if err != nil {
		return // servers has reported it.
	}
	durable, ok := sink.(sinks.Durable)
	if !ok {
		return
	}
	switch warning, err := durable.Lasts(ctx, place); {
	case errors.Is(err, sinks.ErrUnsupported):
		c := failedCheck(State, d.Config.State.Sink, err)
		c.Subject = place.Location
		d.add(c)
	case err == nil && warning != "":
		what, remedy, _ := strings.Cut(warning, ". ")
		d.add(Check{Group: State, Subject: place.Location, Outcome: Warning, Message: what, Remedy: remedy})
	}
}

// checkRecords reads all records, and reports whether any could be.
func (d *doctor) checkRecords(ctx context.Context, location string) bool {
	r := admin.Records{Store: d.Store, Project: d.Config.Project, Now: d.Now, Where: d.Where}
	records, errs := r.List(ctx)
	if len(errs) == 0 {
		d.add(Check{Group: State, Subject: location, Outcome: OK, Message: "can be read: " + counted(len(records), "record")})
	}
	for _, err := range errs {
		d.add(d.unreadableRecord(ctx, location, err))
	}
	for _, rec := range records {
		if rec.Lease != nil {
			d.add(d.checkLease(&r, rec))
		}
	}
	return len(errs) == 0 || len(records) > 0
}

func (d *doctor) unreadableRecord(ctx context.Context, location string, err error) Check {
	c := failedCheck(State, d.Config.State.Sink, d.explainTimeout(ctx, err))
	c.Subject = location
	switch {
	case errors.Is(err, state.ErrTooNew):
		c.Message, c.Remedy = err.Error(), "Upgrade credsync to the version that wrote it."
	case errors.Is(err, state.ErrCorrupt):
		c.Message, c.Remedy = err.Error(), "Restore it, or forget it with credsync state rm ADDR: the next apply then logs in again. To see which account it belongs to:"
		c.Command = []string{"state", "list"}
	case c.Remedy == "":
		c.Remedy = "Make the location readable for the user that credsync runs as. Without the state credsync cannot get any token."
	}
	return c
}

// checkLease reports a run that is working, or was.
func (d *doctor) checkLease(r *admin.Records, rec *state.Record) Check {
	who, where := processid.Describe(rec.Lease.Holder), d.Where(rec.Lease.Holder)
	c := Check{Group: State, Subject: rec.Address, Outcome: Warning}
	switch {
	case !r.Held(rec.Lease):
		c.Message = fmt.Sprintf("%s ended while it was working on the account", who)
		c.Remedy = "No action needed: the next apply continues where it stopped."
	case where == processid.Running:
		c.Outcome, c.Message = OK, who+" is working on the account"
	default:
		c.Message = fmt.Sprintf("%s is working on the account or was killed; its lease ends at %s", who, r.LeaseEnds(rec.Lease).UTC().Format("15:04:05 MST"))
		c.Remedy, c.Command = "Wait until then. If that run is dead, end its lease now:", []string{"state", "unlock", rec.Address}
	}
	return c
}

// checkEmergencyFiles reports tokens that an earlier run could not put into the state.
func (d *doctor) checkEmergencyFiles() {
	for _, file := range engine.EmergencyFiles(d.EmergencyDir) {
		d.add(Check{
			Group: State, Subject: file, Outcome: Warning, Message: "holds a token that could not be written to the state",
			Remedy:  "The next apply on this machine recovers the token and removes the file. To recover it without an apply:",
			Command: []string{"state", "recover", file},
		})
	}
}
