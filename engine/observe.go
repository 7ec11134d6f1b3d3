package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// observation is what was seen of an account at one moment.
type observation struct {
	// account is nil for one that has gone from the configuration.
	account *account
	// record is the state's, or a new one where there is none; version is
	// what a write of it must find.
	record  *state.Record
	version string
	// known says that the state has a record.
	known bool
	// emergencyFiles are the account's emergency files; what the newest has to bring is
	// in record already.
	emergencyFiles []*emergencyFile
	at             time.Time
	fingerprints   fingerprints
	// infos are by deliver block: what the sink says of the target.
	infos []sinks.Info
	// observeErr is why the account could not be looked at; nil if it was.
	observeErr error
	// targetErrs are the errors of the targets that could not be looked at.
	targetErrs []error
	// auditErr is why the audit trail lacks the verification; nil if it does
	// not.
	auditErr error
	// outputs are what the verification said, where it passed.
	outputs      credential.Outputs
	verification plan.Verification

	input       plan.Account
	diagnostics diag.List
	// viewOnly observations are only good for looking at their plan. Of those that
	// are at rest nothing was to be done.
	viewOnly, settled bool
}

// observeOptions say how to observe.
type observeOptions struct {
	offline bool
	replace bool
	// runsEvery is the longest time between two runs.
	runsEvery time.Duration
	// ahead is what is known of all accounts already; nil for nothing.
	ahead *readAhead
	// planOnly says that nothing is going to be done about what is seen.
	planOnly bool
}

// observe looks at one account. It only reads. What it cannot read ends in the
// diagnostics and makes the account unreadable, not the run.
func (e *Engine) observe(ctx context.Context, a *account, opts observeOptions) *observation {
	o := &observation{account: a, at: e.Now()}
	o.input = plan.Account{
		Now: o.at, Address: a.cfg.Address, Provider: a.cfg.Spec.Name,
		Enabled: a.cfg.Enabled, Replace: opts.replace, Static: a.cfg.Spec.Static,
		RotateBefore: a.cfg.RotateBefore, RunsEvery: opts.runsEvery, DeleteOnRemove: a.cfg.DeleteOnRemove,
		Lifetime: documentedLifetime(a.cfg),
	}
	snap, err := e.load(ctx, a, opts.ahead)
	if err != nil {
		o.unreadable(StateUnreadable, err)
		return o
	}
	o.emergencyFiles = e.emergencyFilesOf(a, e.allEmergencyFiles(opts.ahead))
	o.version, o.record, o.known = snap.Version, e.withEmergencyToken(o, snap.Record), snap.Record != nil
	if o.record == nil {
		o.record = state.New(e.Config.Project, a.cfg.Address, a.cfg.Spec.Name)
	}
	o.fingerprints = fingerprintsOf(o.record.Key, a.cfg)
	if !a.cfg.Enabled {
		return o
	}
	e.examine(ctx, o, opts)
	return o
}

// examine asks the sinks and the upstream, at the same time.
func (e *Engine) examine(ctx context.Context, o *observation, opts observeOptions) {
	provider, err := e.provider(o.account, o.record)
	if err != nil {
		o.unreadable("The account cannot be set up", err)
		return
	}
	o.input.CanRefresh = provider.canRefresh()
	o.input.Block = rememberedBlock(o.record, o.fingerprints)
	e.sharedLoginOf(o.account).note(o.input.Address, o.at, o.input.Block)
	e.inspect(o, provider.provider)

	var work []func()
	if o.verificationDue(opts) {
		work = append(work, func() { e.verifyObserved(ctx, o, provider) })
	}
	o.infos = make([]sinks.Info, len(o.account.targets))
	statErrs := make([]error, len(o.account.targets))
	for i, t := range o.account.targets {
		work = append(work, func() { o.infos[i], statErrs[i] = e.stat(ctx, t, opts.ahead) })
	}
	together(work)
	o.auditErr = provider.trail.takeErr()
	o.targetErrs = statErrs
	for i, err := range statErrs {
		if err != nil {
			o.diagnostics = append(o.diagnostics, o.targetFailure(i))
		}
	}
	if len(statErrs) > 0 && !slices.Contains(statErrs, nil) {
		o.input.Unreadable = statErrs[0].Error()
		return
	}
	e.describe(ctx, o)
}

// targetFailure reports a target that could not be looked at.
func (o *observation) targetFailure(i int) diag.Diagnostic {
	d := o.account.failure("A target cannot be looked at", o.targetErrs[i])
	d.Range = o.account.targets[i].Range
	return d
}

func (e *Engine) stat(ctx context.Context, t *target, known *readAhead) (sinks.Info, error) {
	if info, ok := known.info(t); ok {
		return info, nil
	}
	s, err := e.Sink(t.Sink)
	if err != nil {
		return sinks.Info{}, err
	}
	info, err := s.Stat(ctx, t.Target)
	if err != nil {
		return sinks.Info{}, fmt.Errorf("%s: %w", t.Sink.Name, err)
	}
	return info, nil
}

// inspect takes what the provider finds in its credentials without a request.
func (e *Engine) inspect(o *observation, p providers.Provider) {
	seen := providers.Seen{FirstAt: o.record.FirstSeenAt}
	if g := o.record.Newest(); g != nil {
		seen.Outputs = g.Token.Outputs
	}
	if keeper, ok := p.(providers.Timekeeper); ok {
		for _, c := range keeper.Clocks(seen) {
			o.input.Clocks = append(o.input.Clocks, plan.Clock{Name: plan.ClockName(c.Name), Since: c.Since, At: c.At, Human: c.Human})
		}
	}
	inspector, ok := p.(providers.Inspector)
	if !ok {
		return
	}
	for _, f := range inspector.Inspect(o.at, seen) {
		if f.Blocked == "" {
			o.warn(f.Summary, f.Detail)
		} else if o.input.Block == nil {
			o.input.Block = &plan.Block{Reason: plan.Reason(f.Blocked), Message: joinSentences(f.Summary, f.Detail)}
		}
	}
}

// rememberedBlock returns the record's block while what it was about has not
// changed, with the code that was sent for it.
func rememberedBlock(r *state.Record, p fingerprints) *plan.Block {
	b := recordedBlock(r, p)
	c := r.Challenge
	if b == nil || b.Reason != plan.NeedsCode || c == nil || c.ID.IsZero() || c.LoginPrint != p.login {
		return b
	}
	b.CodeSentAt, b.Message = c.SentAt, codeSentMessage(r.Address, c.SentAt)
	return b
}

// recordedBlock is the block as it was recorded. Rejected credentials are still
// the same ones when only the branch or customer has changed; a missing access
// may be there for another branch.
func recordedBlock(r *state.Record, p fingerprints) *plan.Block {
	if b := r.Block; b != nil && b.LoginPrint == p.login && (b.Reason != failure.NoAccess || b.ShapePrint == p.shape) {
		return &plan.Block{Reason: plan.Reason(b.Reason), Message: b.Message, Since: b.Since}
	}
	for _, print := range []string{p.login, p.shape} {
		if j := r.Rejected(print); j != nil {
			return &plan.Block{Reason: plan.Reason(j.Reason), Message: rejectedBefore(r.Address, j.Reason), Since: j.At}
		}
	}
	return nil
}

// rejectedBefore is what is still known of a rejection when another
// configuration's has taken the place of its message.
func rejectedBefore(address string, reason failure.Reason) string {
	switch reason {
	case failure.CredentialsRejected:
		return "the upstream rejected these credentials before; correct them in the configuration"
	case failure.NeedsCode:
		return needsCodeMessage(address)
	}
	return fmt.Sprintf("the upstream turned these credentials down before (%s)", reason)
}

// verificationDue reports whether to ask the upstream about the token. It is
// not asked about a token that is going to be replaced in any case, nor about
// one that it has rejected, nor about a static one while a block is
// remembered: that would be trying rejected credentials again. The first check
// of a static one is its login, which only the run that has the lease makes.
func (o *observation) verificationDue(opts observeOptions) bool {
	g := o.record.Newest()
	if opts.offline || opts.replace || g == nil || g.Rejected || changed(g, o.fingerprints) {
		return false
	}
	switch b := o.input.Block; {
	case !o.input.Static:
	case b == nil && g.VerifiedAt.IsZero(), b != nil && b.Reason != plan.NoAccess:
		return false
	}
	due := plan.RotationOf(o.input.Address, g.Token.IssuedAt, g.Token.ExpiresAt, o.input.RotateBefore).At
	if !due.IsZero() && !o.at.Before(due) && o.record.Pending == nil {
		return false
	}
	if !g.Token.ExpiresAt.IsZero() && !o.at.Before(g.Token.ExpiresAt) {
		return false
	}
	every := o.account.cfg.VerifyEvery
	return g.VerifiedAt.IsZero() || every == 0 || o.at.Sub(g.VerifiedAt) >= every
}

// changed reports whether a grant was got with other attributes.
func changed(g *state.Grant, p fingerprints) bool {
	return g.LoginPrint != p.login || g.ShapePrint != p.shape
}

func (e *Engine) verifyObserved(ctx context.Context, o *observation, p *auditedProvider) {
	if !p.canVerify() {
		return
	}
	outputs, err := p.Verify(ctx, o.record.Newest().Token)
	if failure.ClassOf(err) == failure.Config {
		o.diagnostics = append(o.diagnostics, o.account.failure("The token cannot be verified as configured", err))
		return
	}
	o.outputs, o.verification = outputs, verificationOf(err)
}

// verificationOf turns what a Verifier returned into what a plan needs.
func verificationOf(err error) plan.Verification {
	if err == nil {
		return plan.Verification{Outcome: plan.Confirmed}
	}
	v := plan.Verification{Outcome: plan.Unclear, Message: describeError(err)}
	var upstream *failure.Error
	if !errors.As(err, &upstream) {
		return v
	}
	switch upstream.Class {
	case failure.Credentials:
		v.Outcome = plan.Refused
	case failure.Human:
		v.Outcome, v.Reason = plan.NeedsHuman, plan.Reason(upstream.Reason)
	}
	return v
}

// describe turns what was seen into what a decision needs.
func (e *Engine) describe(ctx context.Context, o *observation) {
	in := &o.input
	in.Verification = o.verification
	g := o.record.Newest()
	if g != nil {
		t := g.Token
		in.Token = &plan.Token{
			IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt, VerifiedAt: g.VerifiedAt,
			RefreshableUntil: t.RefreshableUntil, Refreshable: in.CanRefresh,
			Journaled: o.record.Pending != nil, Rejected: g.Rejected, ConfigChanged: changed(g, o.fingerprints),
		}
		if o.verification.Outcome == plan.Confirmed {
			in.Token.VerifiedAt = o.at
		}
	}
	for i, t := range o.account.targets {
		// What should be in the target; empty without a token.
		wanted := ""
		if g != nil {
			token := g.Token
			token.Outputs = token.Outputs.Merge(o.outputs)
			wanted = o.render(t, token)
		}
		in.Targets = append(in.Targets, e.describeTarget(ctx, o, i, wanted))
	}
	in.Targets = append(in.Targets, o.goneTargets()...)
}

// render evaluates what a target should hold, and returns the digest of it.
// While the token is only a journaled one, a failure is not reported:
// verification may add what is missing.
func (o *observation) render(t *target, token credential.Token) string {
	data, diags := t.Render(token)
	if diags.HasErrors() {
		if o.record.Pending == nil {
			o.diagnostics = append(o.diagnostics, diags...)
		}
		return ""
	}
	return digest(o.record.Key, data)
}

func (e *Engine) describeTarget(ctx context.Context, o *observation, i int, wanted string) plan.Target {
	t, info := o.account.targets[i], o.infos[i]
	if err := o.targetErrs[i]; err != nil {
		return plan.Target{Sink: t.Sink.Name, Location: t.Target.Location, Unreadable: err.Error()}
	}
	rec := o.record.Target(t.Sink.Name, t.Target.Location)
	pt := plan.Target{
		Sink: t.Sink.Name, Location: t.Target.Location,
		Exists: info.Exists, Owner: info.Owner, Unseen: info.Unseen, Unguarded: info.Unguarded, Adopt: t.Adopt,
		Ours: e.ours(ctx, o, t, info, rec),
	}
	if rec == nil || rec.GrantID == "" {
		return pt
	}
	g := o.record.Newest()
	pt.Recorded = true
	pt.HasToken = g != nil && rec.GrantID == g.ID
	pt.Stale = rec.Digest != wanted
	pt.RestartDue = pt.HasToken && len(t.Target.Restarts) > 0 && rec.RestartedID != g.ID
	pt.Moved = !info.Unseen && rec.Version != info.Version && !e.mergedIntact(ctx, o, t, rec)
	return pt
}

// ours reports whether a target is credsync's for this account: marked so, or,
// at a sink that cannot mark, known to the state.
func (e *Engine) ours(ctx context.Context, o *observation, t *target, info sinks.Info, rec *state.Target) bool {
	if info.Owner != "" {
		return info.Owner == o.account.owner ||
			t.shared && strings.HasPrefix(info.Owner, e.Config.Project+"/")
	}
	switch {
	case rec == nil:
		return false
	case !rec.DeliveredAt.IsZero():
		return true
	}
	// Claimed, and the run ended before its commit: what is there is ours if
	// it is what that run was about to write.
	return info.Exists && e.holds(ctx, o.record.Key, t, rec.Keys, rec.Digest)
}

// mergedIntact reports whether the keys that were written to a target that is
// merged into are still as they were, though its version has moved on: others
// may change theirs. Without permission to read, a moved version counts as a
// change, and the keys are written again.
func (e *Engine) mergedIntact(ctx context.Context, o *observation, t *target, rec *state.Target) bool {
	if !t.Target.Merge {
		return false
	}
	intact, err := e.compare(ctx, o.record.Key, t, rec.Keys, rec.Digest)
	if errors.Is(err, sinks.ErrDenied) {
		o.warn("A merged target cannot be compared",
			fmt.Sprintf("%s %s was written by someone else, and without permission to read it credsync cannot see whether its own keys are still as they were. It writes them again, and so it will each time anyone writes there, other accounts included. Allow credsync to read it.", t.Sink.Name, t.Target.Location))
	}
	return intact
}

// holds reports whether those keys of a target are known to have that digest.
func (e *Engine) holds(ctx context.Context, key []byte, t *target, keys []string, want string) bool {
	same, _ := e.compare(ctx, key, t, keys, want)
	return same
}

// compare reports whether those keys of a target have that digest.
func (e *Engine) compare(ctx context.Context, key []byte, t *target, keys []string, want string) (bool, error) {
	s, err := e.Sink(t.Sink)
	if err != nil {
		return false, err
	}
	object, err := s.Read(ctx, t.Target)
	if err != nil {
		return false, err
	}
	data := object.Data
	if t.Target.Merge {
		data = make(map[string]credential.Secret, len(keys))
		for _, k := range keys {
			if v, ok := object.Data[k]; ok {
				data[k] = v
			}
		}
	}
	return digest(key, data) == want, nil
}

// goneTargets are the places in the state that no deliver block names.
func (o *observation) goneTargets() []plan.Target {
	named := make(map[place]bool)
	for _, t := range o.account.targets {
		named[placeOf(t.Delivery)] = true
	}
	var gone []plan.Target
	for _, rec := range o.record.Targets {
		if !named[place{rec.Sink, rec.Location}] {
			gone = append(gone, plan.Target{Sink: rec.Sink, Location: rec.Location, Recorded: true, Ours: true, Removed: true})
		}
	}
	return gone
}

// observeRemoved describes an account that only the state knows.
func (e *Engine) observeRemoved(snap state.Snapshot) *observation {
	r := snap.Record
	o := &observation{record: r, version: snap.Version, at: e.Now()}
	o.input = plan.Account{
		Now: o.at, Address: r.Address, Provider: r.Provider, Enabled: true,
		Removed: true, DeleteOnRemove: r.DeleteOnRemove,
	}
	for _, t := range r.Targets {
		o.input.Targets = append(o.input.Targets, plan.Target{Sink: t.Sink, Location: t.Location, Recorded: true, Ours: true, Removed: true})
	}
	return o
}

// dropRecord lets go of what only work on the account needs, and sending of an
// emergency file.
func (o *observation) dropRecord() {
	if len(o.emergencyFiles) > 0 {
		return
	}
	o.record, o.infos, o.outputs, o.viewOnly = nil, nil, nil, true
}

// failed is the first thing that went wrong while looking; nil if nothing did.
func (o *observation) failed() error {
	return errors.Join(o.observeErr, errors.Join(o.targetErrs...))
}

func (o *observation) unreadable(summary string, err error) {
	o.observeErr = err
	o.input.Unreadable = err.Error()
	o.diagnostics = append(o.diagnostics, diag.Errorf(summary, "%s", diag.Sentence(describeError(err))).About(o.input.Address, o.account.cfg.Range))
}

func (o *observation) warn(summary, detail string) {
	o.diagnostics = append(o.diagnostics, diag.Warningf(summary, "%s", detail).About(o.input.Address, o.account.cfg.Range))
}
