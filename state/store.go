package state

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
)

// corruptAdvice says what to do about a corrupt record.
const corruptAdvice = "restore an older version of it, or forget it with credsync state rm: the next apply then logs in again"

// dataKey is the one key under which a sink keeps a record.
const dataKey = "record"

// Store reads and writes the records of one project's accounts. Those of another
// project that are kept in the same place have other names, and are left alone.
type Store struct {
	sink    sinks.Sink
	project string
	place   func(name string) (sinks.Target, error)
}

// Snapshot is a record as it was read, with the version that a write must find
// unchanged. A nil Record means that there is none yet.
type Snapshot struct {
	Record  *Record
	Version string
	// Ends is when the sink deletes the record by itself; zero where it does not.
	Ends time.Time
}

// NewStore returns the store of a project in a sink. place gives the target of
// the record of a name, and for the name "" the place of all of them.
func NewStore(sink sinks.Sink, project string, place func(name string) (sinks.Target, error)) *Store {
	return &Store{sink: sink, project: project, place: place}
}

// For is the store of another project's records in the same place.
func (s *Store) For(project string) *Store {
	c := *s
	c.project = project
	return &c
}

// Project is whose records these are.
func (s *Store) Project() string { return s.project }

// Load reads the record of an account; Record is nil where there is none. It
// returns ErrCorrupt or ErrTooNew for one that cannot be used, with its version
// where the sink can tell, and the sink's errors.
func (s *Store) Load(ctx context.Context, address string) (Snapshot, error) {
	snap, err := s.read(ctx, RecordName(s.project, address))
	return s.refuseOthers(address, snap, err)
}

// refuseOthers refuses the record of another account or project.
func (s *Store) refuseOthers(address string, snap Snapshot, err error) (Snapshot, error) {
	switch r := snap.Record; {
	case err != nil || r == nil:
		return snap, err
	case r.Address != address:
		return Snapshot{Version: snap.Version}, fmt.Errorf("%w: the record for %s belongs to %s", ErrCorrupt, address, r.Address)
	case r.Project != s.project:
		return Snapshot{Version: snap.Version}, fmt.Errorf("%w: the record for %s belongs to project %q", ErrCorrupt, address, r.Project)
	}
	return snap, err
}

// Save writes a record over the version it was read at ("" for a new one) and
// returns the new version. sinks.ErrConflict means that another run wrote it.
func (s *Store) Save(ctx context.Context, r *Record, version string) (string, error) {
	t, err := s.place(RecordName(r.Project, r.Address))
	if err != nil {
		return "", err
	}
	encoded, err := Encode(r)
	if err != nil {
		return "", err
	}
	version, err = s.sink.Write(ctx, t, sinks.Write{
		Data: map[string]credential.Secret{dataKey: encoded},
		If:   version,
	})
	if err != nil {
		return "", err
	}
	return version, nil
}

// Delete removes an account's record if it is still at that version.
func (s *Store) Delete(ctx context.Context, address, version string) error {
	t, err := s.place(RecordName(s.project, address))
	if err != nil {
		return err
	}
	if err := s.sink.Delete(ctx, t, sinks.Removal{If: version}); err != nil {
		return err
	}
	return nil
}

// Version returns the version of an account's record without understanding it;
// "" where there is none.
func (s *Store) Version(ctx context.Context, address string) (string, error) {
	t, err := s.place(RecordName(s.project, address))
	if err != nil {
		return "", err
	}
	info, err := s.sink.Stat(ctx, t)
	return info.Version, err
}

func (s *Store) read(ctx context.Context, name string) (Snapshot, error) {
	t, err := s.place(name)
	if err != nil {
		return Snapshot{}, err
	}
	return s.readAt(ctx, t)
}

func (s *Store) readAt(ctx context.Context, t sinks.Target) (Snapshot, error) {
	object, err := s.sink.Read(ctx, t)
	if errors.Is(err, sinks.ErrNotFound) && object.Version != "" {
		// What is deleted by credsync leaves no version. Starting over would forget
		// rejected logins, and tokens that targets hold.
		return Snapshot{Version: object.Version}, fmt.Errorf("%w: %s, and all that it remembered, was deleted by someone else or expired in its store; undelete it there (\"vault kv undelete\"), or forget it with credsync state rm: the next apply then logs in again", ErrCorrupt, t.Location)
	}
	if errors.Is(err, sinks.ErrNotFound) {
		return Snapshot{Version: object.Version}, nil
	}
	if errors.Is(err, sinks.ErrMalformed) {
		return Snapshot{}, fmt.Errorf("%w: %w; %s", ErrCorrupt, err, corruptAdvice)
	}
	if err != nil {
		// A sink's error says what was being done, and where.
		return Snapshot{}, err
	}
	return decodeAt(t, object)
}

func decodeAt(t sinks.Target, object sinks.Object) (Snapshot, error) {
	r, err := Decode(object.Data[dataKey])
	if errors.Is(err, ErrCorrupt) {
		return Snapshot{Version: object.Version}, fmt.Errorf("cannot read the state at %s: %w; %s", t.Location, err, corruptAdvice)
	}
	if err != nil {
		return Snapshot{Version: object.Version}, fmt.Errorf("cannot read the state at %s: %w", t.Location, err)
	}
	return Snapshot{Record: r, Version: object.Version, Ends: object.Ends}, nil
}

// RecordName is the name under which a sink keeps an account's record: readable,
// and unlike that of any other project or address. It is a valid name for a
// file, a Vault path and a Kubernetes object.
func RecordName(project, address string) string {
	sum := sha256.Sum256([]byte(project + "\x00" + address))
	return namePrefix(project) + cmp.Or(readable(strings.TrimPrefix(address, "account."), 80), "account") + "-" + hex.EncodeToString(sum[:6])
}

// namePrefix begins the names of a project's records. Two projects can have the
// same, if they differ in what no name can hold. What is readable never has two
// hyphens in a row, and a full stop would be another level to some sinks.
func namePrefix(project string) string { return cmp.Or(readable(project, 40), "project") + "--" }

// readable is a text as it can stand in a name, of at most that many bytes.
func readable(text string, most int) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if s := b.String(); s != "" && !strings.HasSuffix(s, "-") {
			b.WriteByte('-')
		}
		if b.Len() >= most {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}
