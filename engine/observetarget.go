package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

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

// targetFailure reports a target that could not be looked at.
func (o *observation) targetFailure(i int) diag.Diagnostic {
	d := o.account.failure("A target cannot be looked at", o.targetErrs[i])
	d.Range = o.account.targets[i].Range
	return d
}

func (e *Engine) describeTarget(ctx context.Context, o *observation, i int, g *state.Grant, wanted string) plan.Target {
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
	pt.Recorded = true
	pt.HasToken = g != nil && rec.GrantID == g.ID
	pt.Outdated = rec.Digest != wanted || reshaped(t, rec)
	pt.RestartDue = pt.HasToken && len(t.Target.Restarts) > 0 && rec.RestartedID != g.ID
	pt.Drifted = !info.Unseen && rec.Version != info.Version && !e.mergedIntact(ctx, o, t, rec)
	return pt
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

// reshaped reports whether the deliver block asks for another look of its target
// than the one that was written: its format, mode or labels, or whether the keys
// of others are kept.
func reshaped(t *target, rec *state.Target) bool {
	if rec.Merge != t.Target.Merge {
		return true
	}
	block := &t.Sink.Spec.Deliver
	was, err := schema.DecodeValues(block, rec.Options)
	if err != nil {
		// What was written with a table that is no longer read is written again.
		return true
	}
	return slices.ContainsFunc(block.Attributes, func(a schema.Attribute) bool {
		return a.Effect >= schema.ShapesTarget && !was.Raw(a.Name).RawEquals(t.Target.Options.Raw(a.Name))
	})
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
	case rec.Merge && !t.Target.Merge:
		// A write would take away the keys of others.
		return !info.Exists || e.holdsOnly(ctx, t, rec.Keys)
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

// holdsOnly reports whether a target is known to have no other keys than those.
func (e *Engine) holdsOnly(ctx context.Context, t *target, keys []string) bool {
	object, err := e.read(ctx, t)
	if err != nil {
		return false
	}
	for key := range object.Data {
		if !slices.Contains(keys, key) {
			return false
		}
	}
	return true
}

// read returns what is in a target.
func (e *Engine) read(ctx context.Context, t *target) (sinks.Object, error) {
	s, err := e.Sink(t.Sink)
	if err != nil {
		return sinks.Object{}, err
	}
	return s.Read(ctx, t.Target)
}

// compare reports whether those keys of a target have that digest.
func (e *Engine) compare(ctx context.Context, key []byte, t *target, keys []string, want string) (bool, error) {
	object, err := e.read(ctx, t)
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

// removedPlace describes a place in the state that its account no longer delivers
// to.
func (e *Engine) removedPlace(t state.Target) plan.Target {
	return plan.Target{
		Sink: t.Sink, Location: t.Location, Recorded: true, Ours: true, Removed: true, Wanted: e.wanted[place{t.Sink, t.Location}],
	}
}

// goneTargets are the places in the state that no deliver block names.
func (e *Engine) goneTargets(o *observation) []plan.Target {
	named := make(map[place]bool)
	for _, t := range o.account.targets {
		named[placeOf(t.Delivery)] = true
	}
	var gone []plan.Target
	for _, rec := range o.record.Targets {
		if !named[place{rec.Sink, rec.Location}] {
			gone = append(gone, e.removedPlace(rec))
		}
	}
	return gone
}
