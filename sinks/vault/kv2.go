package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
)

// kv2 is version 2. A version is Vault's own number with the time at which Vault
// made it (see versionOf). After a soft delete it stays, and a write must still
// name it: Info then has a version of nothing.
type kv2 struct{ *Sink }

func (k kv2) dataPath(t sinks.Target) string     { return k.mount + "/data/" + t.Path }
func (k kv2) metadataPath(t sinks.Target) string { return k.mount + "/metadata/" + t.Path }
func (k kv2) listPath(prefix string) string      { return k.mount + "/metadata/" + prefix }

func (k kv2) metadataRequest(op string, t sinks.Target, capabilities ...string) request {
	return request{op: op + " " + t.Location, path: k.metadataPath(t), capabilities: capabilities, needs: needsFor(k, t)}
}

func (k kv2) dataRequest(op string, t sinks.Target, capabilities ...string) request {
	return request{op: op + " " + t.Location, path: k.dataPath(t), capabilities: capabilities, needs: needsFor(k, t)}
}

// metadata is what GET metadata/ answers.
type metadata struct {
	Current  int               `json:"current_version"`
	Custom   map[string]string `json:"custom_metadata"`
	Versions map[string]struct {
		Created   string `json:"created_time"`
		Deleted   string `json:"deletion_time"`
		Destroyed bool   `json:"destroyed"`
	} `json:"versions"`
}

func (m metadata) info(t sinks.Target, now time.Time) sinks.Info {
	info := sinks.Info{Marks: !t.Merge && !isState(t)}
	if m.Current > 0 {
		v, ok := m.Versions[strconv.Itoa(m.Current)]
		info.Version = versionOf(m.Current, v.Created)
		info.Exists = ok && !v.Destroyed && !hasPassed(v.Deleted, now)
	}
	if m.Custom[managedBy] == ours {
		info.Owner = m.Custom[ownerKey]
	}
	return info
}

// hasPassed reports whether a deletion time has come; it can lie ahead, where the
// mount sets delete_version_after.
func hasPassed(text string, now time.Time) bool {
	if text == "" {
		return false
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return err != nil || !at.After(now)
}

func (k kv2) metadata(ctx context.Context, op string, t sinks.Target) (m metadata, found bool, err error) {
	var answer struct {
		Data metadata `json:"data"`
	}
	found, err = k.get(ctx, k.metadataRequest(op, t, "read"), &answer)
	return answer.Data, found, err
}

func (k kv2) stat(ctx context.Context, t sinks.Target) (sinks.Info, error) {
	m, _, err := k.metadata(ctx, "check", t)
	return m.info(t, k.env.Now()), err
}

// secret is what GET data/ answers.
type secret[V any] struct {
	Data struct {
		Data     map[string]V    `json:"data"`
		Metadata versionMetadata `json:"metadata"`
	} `json:"data"`
}

// versionMetadata is what Vault says of one version, to readers and to writers.
type versionMetadata struct {
	Number  int    `json:"version"`
	Created string `json:"created_time"`
	// Deleted can lie ahead; see hasPassed.
	Deleted string `json:"deletion_time"`
}

func (m versionMetadata) version() string { return versionOf(m.Number, m.Created) }

func (k kv2) read(ctx context.Context, t sinks.Target) (sinks.Object, error) {
	var o sinks.Object
	var at versionMetadata
	rounded := ""
	r := k.dataRequest("read", t, "read")
	found, err := k.getWith(ctx, r, nil, func(body []byte) (err error) {
		o.Data, at, err = decodeSecret(body)
		if isData(t) && err == nil {
			rounded = roundedNumber(body)
		}
		return err
	})
	if err != nil {
		return sinks.Object{}, err
	}
	if rounded != "" {
		return sinks.Object{}, fmt.Errorf("read %s: %w: the value of %q is a number of 2^53 or more, which Vault has rounded: store it as a string, for example with \"vault kv patch -mount=%s %s %s=…\"",
			t.Location, sinks.ErrMalformed, rounded, k.mount, t.Path, rounded)
	}
	if at.Number > 0 || found {
		// Where it was deleted, Vault still counts its versions.
		o.Version = at.version()
	}
	if ends, err := time.Parse(time.RFC3339Nano, at.Deleted); found && err == nil {
		o.Ends = ends
	}
	if !found {
		r.client = k.client
		return sinks.Object{Version: o.Version}, fmt.Errorf("%s: %w", r, sinks.ErrNotFound)
	}
	return o, nil
}

// decodeSecret decodes a secret's values and its version. Mostly all values are
// strings, which are decoded at once.
func decodeSecret(body []byte) (data map[string]credential.Secret, at versionMetadata, err error) {
	var texts secret[*string]
	if json.Unmarshal(body, &texts) == nil {
		data = make(map[string]credential.Secret, len(texts.Data.Data))
		for name, text := range texts.Data.Data {
			if text != nil {
				data[name] = credential.NewSecret(*text)
			}
		}
		return data, texts.Data.Metadata, nil
	}
	var values secret[json.RawMessage]
	if err := json.Unmarshal(body, &values); err != nil {
		return nil, versionMetadata{}, err
	}
	return sinks.SecretsOfJSON(values.Data.Data), values.Data.Metadata, nil
}

// isData reports whether a target is read for a data block.
func isData(t sinks.Target) bool {
	return t.Options.Block() != nil && t.Options.Block().Type == "data"
}

// roundedNumber is the first key whose value has a number in it that Vault cannot
// keep, be it below the value's top: version 2 holds numbers as floating-point ones.
func roundedNumber(body []byte) string {
	var values secret[json.RawMessage]
	if json.Unmarshal(body, &values) != nil {
		return ""
	}
	for _, key := range slices.Sorted(maps.Keys(values.Data.Data)) {
		d := json.NewDecoder(bytes.NewReader(values.Data.Data[key]))
		d.UseNumber()
		for {
			token, err := d.Token()
			if err != nil {
				break
			}
			n, ok := token.(json.Number)
			if f, err := strconv.ParseFloat(string(n), 64); ok && (err != nil || math.Abs(f) >= 1<<53) {
				return key
			}
		}
	}
	return ""
}

func (k kv2) write(ctx context.Context, t sinks.Target, w sinks.Write) (string, error) {
	answer, err := k.put(ctx, t, w)
	if err != nil {
		return "", err
	}
	if ends, _ := answer["deletion_time"].(string); ends != "" && isState(t) {
		return "", errStateExpires(t)
	}
	return versionIn(answer, t)
}

// errStateExpires refuses a place of the state where Vault deletes what was written
// after a time. The first write of a run, which takes the lease, meets it, and so no
// login is made whose token and rejection would be forgotten.
func errStateExpires(t sinks.Target) error {
	return fmt.Errorf("write %s: %w: Vault deletes each version here after a set time, and with it tokens and remembered rejections; set delete_version_after to 0s in the mount's configuration and in the secret's metadata, or keep the state elsewhere", t.Location, sinks.ErrUnsupported)
}

// lasts asks for the times after which Vault deletes versions: that of the mount, which
// no metadata can prolong, and that of the record where one is named. Without
// permission nothing is learnt.
func (k kv2) lasts(ctx context.Context, record sinks.Target) error {
	paths := []string{k.mount + "/config"}
	if record.Path != record.Options.String("path") {
		paths = append(paths, k.metadataPath(record))
	}
	for _, path := range paths {
		var answer struct {
			Data struct {
				DeleteAfter string `json:"delete_version_after"`
			} `json:"data"`
		}
		r := request{op: "check " + path, path: path, capabilities: []string{"read"}}
		_, err := k.get(ctx, r, &answer)
		if err != nil && !isForbidden(err) {
			return err
		}
		if after, err := time.ParseDuration(answer.Data.DeleteAfter); err == nil && after > 0 {
			return errStateExpires(record)
		}
	}
	return nil
}

// put writes and returns what Vault says of the new version.
func (k kv2) put(ctx context.Context, t sinks.Target, w sinks.Write) (map[string]any, error) {
	cas, err := casVersion(w.If)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", t.Location, err)
	}
	options := map[string]any{"cas": cas}
	if t.Merge && cas > 0 {
		data := reveal(w.Data)
		for _, key := range w.Drop {
			data[key] = nil
		}
		answer, found, err := k.patch(ctx, k.dataRequest("write", t, "patch"), map[string]any{"options": options, "data": data})
		if err != nil {
			return nil, err
		}
		if found {
			return answer.Data, nil
		}
		// What was there has been deleted, so there is nothing to merge into.
	}
	r := k.dataRequest("write", t, "create", "update")
	answer, err := k.Sink.write(ctx, r, map[string]any{"options": options, "data": reveal(w.Data)})
	if err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, fmt.Errorf("write %s: Vault's answer has no version", t.Location)
	}
	return answer.Data, nil
}

func (k kv2) remove(ctx context.Context, t sinks.Target, r sinks.Removal) error {
	if r.Keys != nil {
		return k.removeKeys(ctx, t, r)
	}
	m, found, err := k.metadata(ctx, "delete", t)
	if err != nil || !found {
		return err
	}
	info := m.info(t, k.env.Now())
	if info.Version == "" {
		return nil
	}
	// What was deleted softly, or destroyed, has versions that can be undeleted, or
	// tell of it, until the metadata is deleted too.
	if info.Version != r.If {
		return fmt.Errorf("delete %s: %w: it is at version %s now", t.Location, sinks.ErrConflict, info.Version)
	}
	return k.erasePath(ctx, k.metadataRequest("delete", t, "delete"))
}

func (k kv2) removeKeys(ctx context.Context, t sinks.Target, r sinks.Removal) error {
	cas, err := casVersion(r.If)
	if err != nil {
		return fmt.Errorf("delete from %s: %w", t.Location, err)
	}
	if cas == 0 {
		// A patch compares with no version 0, and would go ahead.
		info, err := k.stat(ctx, t)
		if err == nil && info.Exists {
			err = fmt.Errorf("delete from %s: %w: it is at version %s now", t.Location, sinks.ErrConflict, info.Version)
		}
		return err
	}
	nulls := make(map[string]any, len(r.Keys))
	for _, key := range r.Keys {
		nulls[key] = nil
	}
	body := map[string]any{"options": map[string]any{"cas": cas}, "data": nulls}
	_, _, err = k.patch(ctx, k.dataRequest("delete from", t, "patch"), body)
	return err
}
