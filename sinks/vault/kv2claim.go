package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/credsync/credsync/sinks"
)

// The custom metadata that marks a secret as ours.
const (
	managedBy = "managed-by"
	ours      = "credsync"
	ownerKey  = "credsync-owner"
)

// claim marks the owner, and then writes. Vault cannot compare and set metadata,
// so several may mark a place at the same time, over each other's marks; but it
// compares the version of the data, so that one of them writes. That one is told
// with the answer whose mark Vault has found there, and the others take theirs
// back.
func (k kv2) claim(ctx context.Context, t sinks.Target, w sinks.Write, seen sinks.Info) (string, error) {
	before, found, err := k.metadata(ctx, "claim", t)
	if err == nil && before.info(t, k.env.Now()) != seen {
		err = fmt.Errorf("claim %s: %w", t.Location, sinks.ErrConflict)
	}
	if err != nil {
		return "", err
	}
	if t.Merge || seen.Owner == w.Owner {
		return k.Sink.Write(ctx, t, w)
	}
	err = k.mark(ctx, t, found, marksOf(w.Owner))
	if errors.Is(err, sinks.ErrDenied) && !found && k.exists(ctx, t) {
		// A policy that only allows to create it takes one that has come into
		// being meanwhile for something else.
		err = fmt.Errorf("claim %s: %w: another process has since claimed it", t.Location, sinks.ErrConflict)
	}
	if err != nil {
		return "", err
	}
	writing, retried := watchRetries(ctx)
	answer, err := k.put(writing, t, w)
	switch {
	case errors.Is(err, sinks.ErrConflict) && retried.Load():
		// It may be a conflict with ourselves, so the mark stays.
		return k.writtenBefore(ctx, t, w, err)
	case errors.Is(err, sinks.ErrConflict):
		return "", k.unmark(ctx, t, w.Owner, before, err)
	case err != nil:
		return "", err
	}
	if err := k.keepMark(ctx, t, w.Owner, answer); err != nil {
		return "", err
	}
	return versionIn(answer, t)
}

// exists reports whether there is metadata, as far as that can be told.
func (k kv2) exists(ctx context.Context, t sinks.Target) bool {
	_, found, err := k.metadata(ctx, "claim", t)
	return err == nil && found
}

// keepMark sets the mark once more where another's, or nobody's, was there when
// the data was written. answer is what Vault said of that.
func (k kv2) keepMark(ctx context.Context, t sinks.Target, owner string, answer map[string]any) error {
	marks, told := answer["custom_metadata"]
	if custom, _ := marks.(map[string]any); told {
		if custom[managedBy] == ours && custom[ownerKey] == owner {
			return nil
		}
		return k.mark(ctx, t, true, marksOf(owner))
	}
	// Vault before 1.9 does not say.
	m, _, err := k.metadata(ctx, "claim", t)
	if err != nil || m.info(t, k.env.Now()).Owner == owner {
		return err
	}
	return k.mark(ctx, t, true, marksOf(owner))
}

// unmark takes a mark back after a conflict, and returns that. Where it cannot,
// the error is no conflict, since the place would look like ours.
func (k kv2) unmark(ctx context.Context, t sinks.Target, owner string, before metadata, conflict error) error {
	now, found, err := k.metadata(ctx, "claim", t)
	if err == nil && found && now.info(t, k.env.Now()).Owner == owner {
		err = k.mark(ctx, t, true, unmarked(before))
	}
	if err != nil {
		return fmt.Errorf("claim %s: someone else wrote to it at the same time, and credsync could not remove its owner mark %q: %w", t.Location, owner, err)
	}
	return conflict
}

// marksOf are the keys of custom metadata that say who owns a target.
func marksOf(owner string) map[string]any {
	return map[string]any{managedBy: ours, ownerKey: owner}
}

// unmarked is the patch that puts the marks back to what they were.
func unmarked(before metadata) map[string]any {
	patch := map[string]any{}
	for _, key := range []string{managedBy, ownerKey} {
		if v, ok := before.Custom[key]; ok {
			patch[key] = v
		} else {
			patch[key] = nil
		}
	}
	return patch
}

// mark sets keys of the custom metadata and keeps the others.
func (k kv2) mark(ctx context.Context, t sinks.Target, exists bool, keys map[string]any) error {
	body := map[string]any{"custom_metadata": keys}
	if exists {
		_, found, err := k.patch(ctx, k.metadataRequest("claim", t, "create", "patch"), body)
		if err == nil && !found {
			err = fmt.Errorf("claim %s: %w: it has since been deleted", t.Location, sinks.ErrConflict)
		}
		return err
	}
	_, err := k.Sink.write(ctx, k.metadataRequest("claim", t, "create", "patch"), body)
	return err
}
