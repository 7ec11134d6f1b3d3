package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

func (e *Engine) stat(ctx context.Context, t *target) (sinks.Info, error) {
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

// targetFailures reports the targets that could not be looked at, or could not be
// written, as far as they are chosen. A permission that several lack is reported once.
func (o *observation) targetFailures(chosen func(error) bool) (list diag.List) {
	errs := make([]error, len(o.targetErrs))
	for i, err := range o.targetErrs {
		if err != nil && chosen(err) {
			errs[i] = err
		}
	}
	combined, first := sinks.Combined(errs)
	for n, err := range combined {
		summary := "A target could not be checked"
		if isUnwritable(errs[first[n]]) {
			summary = "A target cannot be written"
		}
		d := o.account.failure(summary, err)
		d.Range = o.account.targets[first[n]].Range
		list = append(list, d)
	}
	return list
}

// firstLine is what is said of an error where it is told in full elsewhere: the rules
// of a denial stand below it.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func (e *Engine) describeTarget(ctx context.Context, o *observation, i int, g *state.Grant, wanted string) plan.Target {
	t, info := o.account.targets[i], o.infos[i]
	if err := o.targetErrs[i]; err != nil {
		return plan.Target{
			Place:      string(o.places.of[t.Delivery]),
			Sink:       t.Sink.Name,
			Location:   t.Target.Location,
			Unreadable: firstLine(err),
		}
	}
	at := o.places.of[t.Delivery]
	rec := o.record.Target(at)
	whose := e.ownership(ctx, o, t, at, info, rec)
	if whose.predecessor != nil && !slices.Contains(o.predecessors, *whose.predecessor) {
		o.predecessors = append(o.predecessors, *whose.predecessor)
	}
	pt := plan.Target{
		Place: string(at), Sink: t.Sink.Name, Location: t.Target.Location,
		Exists: info.Exists, Owner: info.Owner, Unseen: info.Unseen, Unguarded: info.Unguarded, Adopt: t.Adopt,
		Ours: whose.ours, From: whose.from, FormerProject: whose.former, OthersKeys: whose.othersKeys,
		Differs: info.Differs,
	}
	if rival := o.places.rival(t, at); rival != nil {
		pt.Rival = rival.cfg.Address
		return pt
	}
	if pt.Ours && !pt.Adopt {
		pt.TakenKeys = e.takenKeys(ctx, o, t, at, info, rec)
		pt.Ours = len(pt.TakenKeys) == 0
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
//
// Without inputs that were not read it is taken to hold what it should.
func (e *Engine) render(o *observation, t *target, token credential.Token) string {
	data, diags := t.Render(token)
	if diags.HasErrors() && e.Incomplete {
		if rec := o.record.Target(o.places.of[t.Delivery]); rec != nil {
			return rec.Digest
		}
		return ""
	}
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
	differs, err := t.Target.Options.Differ(rec.Options, func(a schema.Attribute) bool {
		return a.Effect >= schema.ShapesTarget && t.Target.Options.Known(a.Name)
	})
	// What was written with a table that is no longer read is written again.
	return differs || err != nil
}

// mergedIntact reports whether the keys that were written to a target that is
// merged into are still as they were, though its version has moved on: others
// may change theirs. Without permission to read, a moved version counts as a
// change, and the keys are written again.
func (e *Engine) mergedIntact(ctx context.Context, o *observation, t *target, rec *state.Target) bool {
	if !t.Target.Merge {
		return false
	}
	intact, err := e.compare(ctx, o.record.Key, t, rec)
	if errors.Is(err, sinks.ErrDenied) {
		o.warn("A merged target cannot be compared",
			fmt.Sprintf("%s %s was written by someone else, and credsync has no permission to read it, so it cannot check whether its own keys have changed. It writes them again, and will do so each time anyone else writes there, including other accounts. Allow credsync to read it.", t.Sink.Name, t.Target.Location))
	}
	return intact
}

// holds reports whether a target is known to have what a record says of it.
func (e *Engine) holds(ctx context.Context, key []byte, t *target, rec *state.Target) bool {
	same, _ := e.compare(ctx, key, t, rec)
	return same
}

// takenKeys are the keys that a target is to have for the first time, that are there
// already, and that no account of the project has written.
func (e *Engine) takenKeys(
	ctx context.Context,
	o *observation,
	t *target,
	at sinks.Place,
	info sinks.Info,
	rec *state.Target,
) []string {
	keys, known := t.Keys()
	if !t.Target.Merge || !info.Exists || !known {
		return nil
	}
	if rec != nil {
		keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return slices.Contains(rec.Keys, k) })
	}
	if len(keys) == 0 {
		return nil
	}
	object, err := e.read(ctx, t)
	if err != nil {
		// The write finds out what stands in its way.
		return nil
	}
	taken := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { _, there := object.Data[k]; return !there })
	if len(taken) == 0 {
		return nil
	}
	for _, r := range e.recordedAt(ctx, o.ahead, at) {
		taken = slices.DeleteFunc(taken, func(k string) bool { return slices.Contains(r.entry.Keys, k) })
	}
	return taken
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

// hasNoKeyOf reports whether a target is known to have none of the keys that its
// account writes.
func (e *Engine) hasNoKeyOf(ctx context.Context, t *target) bool {
	keys, known := t.Keys()
	if !known {
		return false
	}
	object, err := e.read(ctx, t)
	return err == nil && !slices.ContainsFunc(keys, func(k string) bool { _, there := object.Data[k]; return there })
}

// read returns what is in a target.
func (e *Engine) read(ctx context.Context, t *target) (sinks.Object, error) {
	s, err := e.Sink(t.Sink)
	if err != nil {
		return sinks.Object{}, err
	}
	return s.Read(ctx, t.Target)
}

// compare reports whether a target has what a record says of it.
func (e *Engine) compare(ctx context.Context, key []byte, t *target, rec *state.Target) (bool, error) {
	object, err := e.read(ctx, t)
	if err != nil {
		return false, err
	}
	data := object.Data
	if object.Unnamed && len(rec.Keys) == 1 {
		data = map[string]credential.Secret{}
		for _, v := range object.Data {
			data[rec.Keys[0]] = v
		}
	}
	if t.Target.Merge {
		data = make(map[string]credential.Secret, len(rec.Keys))
		for _, k := range rec.Keys {
			if v, ok := object.Data[k]; ok {
				data[k] = v
			}
		}
	}
	return digestOf(key, rec, data) == rec.Digest, nil
}

// digestOf is the digest of data, except for what the digest of rec leaves out.
func digestOf(key []byte, rec *state.Target, data map[string]credential.Secret) string {
	if len(rec.LaterKeys) == 0 {
		return digest(key, data)
	}
	known := maps.Clone(data)
	for _, k := range rec.LaterKeys {
		delete(known, k)
	}
	return digest(key, known)
}
