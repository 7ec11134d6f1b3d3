package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/sinks"
)

// stateLasts says where the state does not last: apply meets it at its first write, a
// plan and a doctor would not.
func (e *Engine) stateLasts(ctx context.Context, seen []*observation) diag.List {
	for _, o := range seen {
		if !o.recordEnds.IsZero() {
			return diag.List{diag.Errorf("The state does not last where it is",
				"The record of %s is going to be deleted where it is kept, at %s, and remembered rejections with it. In Vault set delete_version_after to 0s in the mount's configuration and in the record's metadata, or keep the state elsewhere; until then apply refuses to write there.",
				o.input.Address, o.recordEnds.UTC().Format(time.RFC3339)).About("", nil)}
		}
	}
	warning, err := e.StateLasts(ctx)
	switch {
	case err != nil:
		return diag.List{diag.FromError("The state does not last where it is", err)}
	case warning != "":
		return diag.List{diag.Warningf("The state may not be safe where it is", "%s", diag.Sentence(warning))}
	}
	return nil
}

// StateLasts says for people what may become of the state where it is kept; "" for
// nothing that is known. The error is that it cannot be kept there. It has no effect.
func (e *Engine) StateLasts(ctx context.Context) (warning string, err error) {
	s := e.Config.State
	if s == nil {
		return "", nil
	}
	sink, err := e.Sink(s.Sink)
	if err != nil {
		return "", nil //nolint:nilerr // whoever reads the state says so
	}
	durable, ok := sink.(sinks.Durable)
	all, err := s.Record("")
	if !ok || err != nil {
		return "", nil //nolint:nilerr // what is wrong with the block was said when it was read
	}
	warning, err = durable.Lasts(ctx, all)
	if err != nil && !errors.Is(err, sinks.ErrUnsupported) {
		return "", nil // as above
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", s.Sink.Name, err)
	}
	return warning, err
}
