package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// goneRecord is the record of an account that is not in the configuration.
type goneRecord struct {
	of   owner
	snap state.Snapshot
}

// goneRecords are the records of accounts that are not in the configuration. The
// errors are of what could not be read.
func (e *Engine) goneRecords(ctx context.Context, views map[string]*state.View) ([]goneRecord, []error) {
	var gone []goneRecord
	var errs []error
	for _, project := range e.projects() {
		var addresses []string
		if project == e.Config.Project {
			addresses = e.Addresses(nil)
		}
		snaps, more := views[project].Others(ctx, addresses)
		errs = append(errs, more...)
		for _, snap := range snaps {
			gone = append(gone, goneRecord{owner{project, snap.Record.Address}, snap})
		}
	}
	return gone, errs
}

// goneBelieved is for how long the records of accounts that have gone are believed
// to be all where accounts are looked at one by one.
const goneBelieved = time.Minute

// recentlyGone are the records of accounts that are not in the configuration, as they
// were a moment ago: of many accounts that are new, one looks. What cannot be read is
// reported by a plan of all accounts.
func (e *Engine) recentlyGone(ctx context.Context) []goneRecord {
	e.goneMu.Lock()
	defer e.goneMu.Unlock()
	if e.goneAt.IsZero() || e.Now().Sub(e.goneAt) >= goneBelieved {
		e.gone, _ = e.goneRecords(ctx, e.viewAll(ctx))
		e.goneAt = e.Now()
	}
	return e.gone
}

// inheritRejections brings into the record of an account that is about to log in what the records
// of accounts that have gone know of its login: renamed or not, a login that was
// rejected is not tried again (P4).
func (e *Engine) inheritRejections(ctx context.Context, o *observation) {
	var gone []goneRecord
	switch {
	case o.ahead != nil:
		gone = o.ahead.gone
	case o.known && o.record.Newest() == nil:
		// What there was went into the record before it was removed.
		return
	default:
		gone = e.recentlyGone(ctx)
	}
	for _, g := range gone {
		r := g.snap.Record
		if slices.Contains(r.Moved, o.account.cfg.Address) && r.Newest() != nil && !o.known {
			o.warn("This configuration is older than the state", fmt.Sprintf(
				"A run with another configuration moved the record of %s to %s, which this configuration does not have. If you apply this configuration, the account logs in again and takes its targets back, and the two configurations keep undoing each other. Apply only the right one.",
				o.account.cfg.Address, g.of.of(e.Config.Project)))
		}
		o.inheritSent(r)
		if !o.account.cfg.Spec.HasName(r.Provider) || r.Block == nil && len(r.Rejections) == 0 ||
			!knowsOfRefusal(r, o.account.cfg) {
			continue
		}
		o.inherit(r)
	}
}

// inherit takes over what another record knows of rejections of the account's login.
func (o *observation) inherit(r *state.Record) {
	rec := o.record.Clone()
	rec.InheritThose(r, func(j state.Rejection) bool { return isOfLogin(j, o.account.cfg) })
	if !slices.EqualFunc(rec.Rejections, o.record.Rejections, sameRejection) {
		o.record, o.inherited = rec, true
	}
}

// inheritSent takes over what another record knows of logins like the account's that were
// sent.
func (o *observation) inheritSent(r *state.Record) {
	if len(r.SecretRefusals) == 0 && len(r.SpentLogins) == 0 {
		return
	}
	rec := o.record.Clone()
	ofLogin := func(s state.SpentLogin) bool { return isSpentLogin(s, o.account.cfg) }
	if rec.InheritSent(r, o.account.sentSecretsOf, ofLogin) {
		o.record, o.inherited = rec, true
	}
}

func sameRejection(a, b state.Rejection) bool {
	return a.LoginPrint == b.LoginPrint && bytes.Equal(a.Key, b.Key)
}

// bequeath passes on what the record of an account that has gone knows of rejected
// logins, to the accounts that log in as it did and to those that take over its places,
// before the record goes. The latter may have been renamed and corrected in one edit, and
// the edit may be taken back. Where there is none of them, any record of the same kind of
// upstream keeps it; see strayRejections.
func (r *run) bequeath(ctx context.Context) error {
	gone := r.seen.record
	if gone.Block == nil && gone.KnownOfLogins() == 0 {
		return nil
	}
	inherited := false
	for _, a := range r.e.accounts {
		ofLogin := a.cfg.Spec.HasName(gone.Provider) && (r.takesOver(a) || knowsOfRefusal(gone, a.cfg))
		if !ofLogin && !a.knownIn(gone) {
			continue
		}
		if _, err := r.bequeathTo(ctx, a, true); err != nil {
			return err
		}
		inherited = true
	}
	for _, a := range r.e.accounts {
		if inherited || !a.cfg.Spec.HasName(gone.Provider) {
			continue
		}
		var err error
		if inherited, err = r.bequeathTo(ctx, a, false); err != nil {
			return err
		}
	}
	return nil
}

// bequeathTo passes it on to one account, and reports whether that one has a record to
// keep it in; make has one made where there is none.
func (r *run) bequeathTo(ctx context.Context, a *account, make bool) (has bool, err error) {
	err = r.e.updateRecord(ctx, a.cfg.Address, bequeathTries, func(rec *state.Record) (*state.Record, error) {
		if rec == nil && !make {
			return nil, nil
		}
		has = true
		if rec == nil {
			rec = r.e.newRecord(a)
		}
		if r.e.held(rec) {
			return nil, errAtWork
		}
		before := rec.KnownOfLogins()
		rec.Inherit(r.seen.record)
		if rec.KnownOfLogins() == before {
			return nil, nil
		}
		return rec, nil
	})
	return has, err
}

// takesOver reports whether an account delivers to a place of the one that has gone.
func (r *run) takesOver(a *account) bool {
	return slices.ContainsFunc(
		r.plan.Targets,
		func(t plan.TargetDecision) bool { return r.seen.places.wants(a, sinks.Place(t.Place)) },
	)
}

// bequeathTries bounds how often a record is tried that another run is working on.
const bequeathTries = int(state.LeaseLife/leasePoll) + 20

// killedByPredecessor reports whether an account that has gone, or whose target this
// one takes over, has logged in since with the same login, where that kills the token
// before it: two configurations have taken turns, and the other's token is the one
// that lives.
func (e *Engine) killedByPredecessor(ctx context.Context, o *observation, g *state.Grant) bool {
	if !o.account.loginRevokes() {
		return false
	}
	var records []*state.Record
	if o.ahead != nil {
		for _, gone := range o.ahead.gone {
			if o.moving == nil || o.moving.from != gone.of {
				records = append(records, gone.snap.Record)
			}
		}
	} else {
		for _, by := range o.predecessors {
			if snap, err := e.reader(nil)(ctx, by); err == nil && snap.Record != nil &&
				(o.moving == nil || o.moving.from != by) {
				records = append(records, snap.Record)
			}
		}
	}
	return slices.ContainsFunc(records, func(r *state.Record) bool {
		n := r.Newest()
		return n != nil && n.ID != g.ID && !n.Token.IssuedAt.Before(g.Token.IssuedAt) && sameLogin(r, o.account)
	})
}

// suggestMoves says which moved blocks would spare logins: an account that takes
// over the targets of one that has gone, with the same login.
func (e *Engine) suggestMoves(seen []*observation, gone []goneRecord) diag.List {
	records := make(map[owner]*state.Record, len(gone))
	for _, g := range gone {
		records[g.of] = g.snap.Record
	}
	var blocks []string
	taken := map[owner]bool{}
	for _, o := range seen {
		if o.account == nil || o.record != nil && o.record.Newest() != nil {
			continue
		}
		for _, by := range o.predecessors {
			r := records[by]
			if r == nil || taken[by] || slices.Contains(e.sourcesOf[o.account], by) || by.project != e.Config.Project ||
				!sameLogin(r, o.account) {
				continue
			}
			taken[by] = true
			blocks = append(blocks, fmt.Sprintf("moved {\n  from = %s\n  to   = %s\n}", by.address, o.account.cfg.Address))
			break
		}
	}
	if len(blocks) == 0 {
		return nil
	}
	slices.Sort(blocks)
	const shown = 100
	rest := ""
	if n := len(blocks) - shown; n > 0 {
		rest = fmt.Sprintf("\n\nand %d more like these.", n)
		blocks = blocks[:shown]
	}
	return diag.List{diag.Warningf("Accounts seem to have been renamed",
		"They have the login and the targets of accounts that were removed. Without moved blocks each starts over, and logs in if it has a login. To keep the existing tokens, add to the configuration:\n\n%s%s", strings.Join(blocks, "\n"), rest)}
}

// sameLogin reports whether the token of a record was got with an account's login.
func sameLogin(r *state.Record, a *account) bool {
	g := r.Newest()
	return g != nil && !a.unknown && a.cfg.Spec.HasName(r.Provider) &&
		fingerprintsOf(r.Key, a.cfg).login == g.LoginPrint
}

// knowsOfRefusal reports whether a record has a refusal of an account's login, even one
// that stands or one that is counted.
func knowsOfRefusal(r *state.Record, cfg *config.Account) bool {
	p := fingerprintsOf(r.Key, cfg)
	return recordedBlock(r, p, cfg) != nil || loginHistoryOf(r, p, cfg).refusals > 0
}

// inheritedBlock is what the record has inherited of rejections of an account's
// login; nil for nothing.
func inheritedBlock(r *state.Record, cfg *config.Account) *plan.Block {
	for _, j := range r.Rejections {
		if len(j.Key) > 0 && j.Stands() && isOfLogin(j, cfg) {
			return &plan.Block{
				Reason: plan.Reason(j.Reason), Message: rejectedBefore(r.Address, j.Reason), Since: j.At,
				AtRefresh: j.AtRefresh,
			}
		}
	}
	return nil
}

// isOfLogin reports whether an inherited rejection is of an account's login.
func isOfLogin(j state.Rejection, cfg *config.Account) bool {
	if !wholly(cfg) {
		return false
	}
	p := fingerprintsOf(j.Key, cfg)
	return j.LoginPrint == p.login || j.LoginPrint == p.shape
}
