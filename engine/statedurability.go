package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
)

// stateLasts says where the state does not last: apply meets it at its first write, a
// plan would not.
func (e *Engine) stateLasts(ctx context.Context, seen []*observation) diag.List {
	var ending *observation
	for _, o := range seen {
		if !o.recordEnds.IsZero() {
			ending = o
			break
		}
	}
	record := ""
	if ending != nil {
		record = state.RecordName(e.Config.Project, ending.input.Address)
	}
	warning, err := e.StateLasts(ctx, record)
	switch {
	case err != nil:
		return diag.List{diag.FromError("The state is not safe where it is stored", err)}
	case ending != nil:
		return diag.List{diag.Warningf("A record of the state is about to be deleted",
			"The record of %s will be deleted from its storage at %s, with everything in it, unless an apply writes it first. To keep records, set delete_version_after to 0s in the mount's configuration and in the record's metadata.",
			ending.input.Address, ending.recordEnds.UTC().Format(time.RFC3339))}
	case warning != "":
		return diag.List{diag.Warningf("The state may not be safe where it is stored", "%s", diag.Sentence(warning))}
	}
	return nil
}

// StateLasts says for people what may become of the record of that name where it is
// kept, or for the name "" of all; "" for nothing that is known. The error is that it
// cannot be kept there. It has no effect.
func (e *Engine) StateLasts(ctx context.Context, name string) (warning string, err error) {
	s := e.Config.State
	if s == nil {
		return "", nil
	}
	sink, err := e.Sink(s.Sink)
	if err != nil {
		return "", nil //nolint:nilerr // whoever reads the state says so
	}
	durable, ok := sink.(sinks.Durable)
	record, err := s.Record(name)
	if !ok || err != nil {
		return "", nil //nolint:nilerr // what is wrong with the block was said when it was read
	}
	warning, err = durable.Lasts(ctx, record)
	if err != nil && !errors.Is(err, sinks.ErrUnsupported) {
		return "", nil // as above
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", s.Sink.Name, err)
	}
	return warning, err
}
