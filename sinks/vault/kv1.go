package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
)

// kv1 is version 1, which has neither versions nor metadata. A version is a
// hash of the data. Where the data may be read it is compared just before a
// write; where not, nothing is known and the write goes ahead.
type kv1 struct{ *Sink }

func (k kv1) path(t sinks.Target) string    { return k.mount + "/" + t.Path }
func (k kv1) listPath(prefix string) string { return k.mount + "/" + prefix }

func (k kv1) request(op string, t sinks.Target, capabilities ...string) request {
	return request{op: op + " " + t.Location, path: k.path(t), capabilities: capabilities, needs: needsFor(k, t)}
}

func (k kv1) load(
	ctx context.Context,
	op string,
	t sinks.Target,
) (raw map[string]json.RawMessage, found bool, err error) {
	var answer struct {
		Data map[string]json.RawMessage `json:"data"`
	}
	found, err = k.get(ctx, k.request(op, t, "read"), &answer)
	return answer.Data, found, err
}

// hash is over keys and values with their lengths, in order.
func hash(data map[string]credential.Secret) string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(data)) {
		v := data[key].Reveal()
		fmt.Fprintf(h, "%d:%s%d:%s", len(key), key, len(v), v)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (k kv1) stat(ctx context.Context, t sinks.Target) (sinks.Info, error) {
	raw, found, err := k.load(ctx, "check", t)
	switch {
	case isForbidden(err):
		return sinks.Info{Unseen: true, Unguarded: true}, nil
	case err != nil:
		return sinks.Info{}, err
	case !found:
		return sinks.Info{Unguarded: true}, nil
	}
	return sinks.Info{Exists: true, Unguarded: true, Version: hash(sinks.SecretsOfJSON(raw))}, nil
}

func (k kv1) read(ctx context.Context, t sinks.Target) (sinks.Object, error) {
	raw, found, err := k.load(ctx, "read", t)
	if err == nil && !found {
		r := k.request("read", t)
		r.client = k.client
		err = fmt.Errorf("%s: %w", r, sinks.ErrNotFound)
	}
	if err != nil {
		return sinks.Object{}, err
	}
	data := sinks.SecretsOfJSON(raw)
	return sinks.Object{Data: data, Version: hash(data)}, nil
}

// atVersion loads what is there if it is at that version. Unreadable data
// passes, as nothing, unless it is needed.
func (k kv1) atVersion(
	ctx context.Context,
	op string,
	t sinks.Target,
	version string,
	needed bool,
) (raw map[string]json.RawMessage, err error) {
	raw, found, err := k.load(ctx, op, t)
	if isForbidden(err) && !needed {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := ""
	if found {
		now = hash(sinks.SecretsOfJSON(raw))
	}
	if now != version {
		return nil, fmt.Errorf("%s %s: %w", op, t.Location, sinks.ErrConflict)
	}
	return raw, nil
}

func (k kv1) write(ctx context.Context, t sinks.Target, w sinks.Write) (string, error) {
	before, err := k.atVersion(ctx, "write", t, w.If, t.Merge)
	if err != nil {
		return "", err
	}
	for _, key := range w.Drop {
		delete(before, key)
	}
	return k.put(ctx, "write", t, before, w.Data)
}

// put writes data, over what was there in a target that is merged into.
func (k kv1) put(
	ctx context.Context,
	op string,
	t sinks.Target,
	before map[string]json.RawMessage,
	data map[string]credential.Secret,
) (string, error) {
	body, merged := reveal(data), maps.Clone(data)
	if t.Merge {
		for key, s := range sinks.SecretsOfJSON(before) {
			if _, ours := body[key]; !ours {
				body[key], merged[key] = before[key], s
			}
		}
	}
	if _, err := k.Sink.write(ctx, k.request(op, t, "create", "update"), body); err != nil {
		return "", err
	}
	return hash(merged), nil
}

func (k kv1) remove(ctx context.Context, t sinks.Target, r sinks.Removal) error {
	before, err := k.atVersion(ctx, "delete", t, r.If, r.Keys != nil)
	if errors.Is(err, sinks.ErrConflict) {
		if info, statErr := k.stat(ctx, t); statErr == nil && !info.Exists && !info.Unseen {
			return nil
		}
	}
	if err != nil {
		return err
	}
	if r.Keys == nil {
		return k.erasePath(ctx, k.request("delete", t, "delete"))
	}
	if before == nil {
		return nil
	}
	for _, key := range r.Keys {
		delete(before, key)
	}
	t.Merge = true
	_, err = k.put(ctx, "delete from", t, before, map[string]credential.Secret{})
	return err
}

// claim compares before it writes: there is no place for a mark.
func (k kv1) claim(ctx context.Context, t sinks.Target, w sinks.Write, seen sinks.Info) (string, error) {
	info, err := k.stat(ctx, t)
	if err == nil && info != seen {
		err = fmt.Errorf("claim %s: %w", t.Location, sinks.ErrConflict)
	}
	if err != nil {
		return "", err
	}
	return k.Sink.Write(ctx, t, w)
}

func (k kv1) needsToDeliver(t sinks.Target) []capabilityNeed {
	if t.Merge {
		return []capabilityNeed{{path: k.path(t), capabilities: []string{"create", "read", "update"}, why: "write its keys into the existing data"}}
	}
	return []capabilityNeed{{path: k.path(t), capabilities: []string{"create", "update"}, why: "write the token"}}
}

// needsToCompare is not needed to deliver: what cannot be seen is written blindly.
func (k kv1) needsToCompare(t sinks.Target) []capabilityNeed {
	if t.Merge {
		return nil
	}
	return []capabilityNeed{{path: k.path(t), capabilities: []string{"read"}, why: "check whether it exists and has not changed"}}
}

func (k kv1) needsToDelete(t sinks.Target) []capabilityNeed {
	if t.Merge {
		return nil // needsToDeliver covers it
	}
	return []capabilityNeed{{path: k.path(t), capabilities: []string{"delete"}, why: "delete it after it was removed from the configuration"}}
}

func (k kv1) needsToRead(t sinks.Target) []capabilityNeed {
	return []capabilityNeed{{path: k.path(t), capabilities: []string{"read"}, why: "read its values"}}
}

// needsToKeepState is never asked for: version 1 cannot keep the state.
func (k kv1) needsToKeepState(_, _ sinks.Target) []capabilityNeed { return nil }
