package k8ssecret

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
	corev1 "k8s.io/api/core/v1"
)

// Sink is a connection to one cluster.
type Sink struct {
	client  *client
	env     sinks.Env
	cluster *sinks.Cluster
}

var (
	_ sinks.Sink        = (*Sink)(nil)
	_ sinks.Pinger      = (*Sink)(nil)
	_ sinks.Preflighter = (*Sink)(nil)
	_ sinks.Restarter   = (*Sink)(nil)
	_ sinks.Scanner     = (*Sink)(nil)
	_ sinks.BulkStatter = (*Sink)(nil)
)

func open(m machine, conn schema.Values, env sinks.Env) (sinks.Sink, error) {
	id, err := m.identity(conn)
	if err != nil {
		return nil, err
	}
	c, err := newClient(id, conn, env)
	if err != nil {
		return nil, err
	}
	s := &Sink{client: c, env: env}
	s.cluster = sinks.NewCluster(conn.String("cluster"), env.Now, s.askCluster)
	return s, nil
}

// version is what a Secret's Info.Version is.
//
// For a target it is a digest of the data, and of the uid, which changes when
// it is deleted and created again. The resourceVersion would also change with a
// label or annotation that someone else sets, which is not drift. It is as
// secret as the data: a short value could be guessed from it.
//
// For a state record it is the resourceVersion: nobody looks for drift there,
// and a record that was changed back and forth has still been changed.
func version(t sinks.Target, s *corev1.Secret) string {
	if s == nil {
		return ""
	}
	if isState(t) {
		return s.ResourceVersion
	}
	h := sha256.New()
	add(h, []byte(s.UID))
	for _, key := range slices.Sorted(maps.Keys(s.Data)) {
		add(h, []byte(key))
		add(h, s.Data[key])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// add puts the length before the bytes, so that no two lists run together.
func add(h hash.Hash, b []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(b)))
	h.Write(n[:])
	h.Write(b)
}

// Stat implements sinks.Sink. The API has no way to ask for a Secret's version
// without its data, and the permission is the same, so the data is read and
// digested.
func (s *Sink) Stat(ctx context.Context, t sinks.Target) (sinks.Info, error) {
	live, err := s.client.get(ctx, "check", t)
	if err != nil {
		return sinks.Info{}, err
	}
	if live == nil {
		return sinks.Info{Marks: marks(t)}, nil
	}
	return infoOf(t, live), nil
}

// marks reports whether the owner of a target is marked at it.
func marks(t sinks.Target) bool { return !t.Merge && !isState(t) }

func infoOf(t sinks.Target, live *corev1.Secret) sinks.Info {
	return sinks.Info{Exists: true, Version: version(t, live), Owner: ownerOf(live, t.Merge), Marks: marks(t)}
}

// Read implements sinks.Sink.
func (s *Sink) Read(ctx context.Context, t sinks.Target) (sinks.Object, error) {
	live, err := s.client.get(ctx, "read", t)
	if err != nil {
		return sinks.Object{}, err
	}
	if live == nil {
		return sinks.Object{}, fmt.Errorf("read %s in Kubernetes at %s: %w", t.Location, s.client.address, sinks.ErrNotFound)
	}
	return contentOf(t, live), nil
}

func contentOf(t sinks.Target, live *corev1.Secret) sinks.Object {
	data := make(map[string]credential.Secret, len(live.Data))
	for key, value := range live.Data {
		data[key] = credential.NewSecret(string(value))
	}
	return sinks.Object{Data: data, Version: version(t, live)}
}

// Delete implements sinks.Sink.
func (s *Sink) Delete(ctx context.Context, t sinks.Target, r sinks.Removal) error {
	live, err := s.client.get(ctx, "delete", t)
	switch {
	case err != nil:
		return err
	case live == nil, live.DeletionTimestamp != nil:
		return nil
	case version(t, live) != r.If:
		return fmt.Errorf("delete %s in Kubernetes at %s: %w", t.Location, s.client.address, sinks.ErrConflict)
	case r.Keys == nil:
		return s.erase(ctx, t, live)
	}
	return s.removeKeys(ctx, t, live, r.Keys)
}

// erase deletes a Secret at the version that was asked for. The API server
// compares the resourceVersion, which others may move on without touching the
// data.
func (s *Sink) erase(ctx context.Context, t sinks.Target, live *corev1.Secret) error {
	want := version(t, live)
	for range conflictTries {
		err := s.client.erase(ctx, t, live)
		if !errors.Is(err, sinks.ErrConflict) {
			return err
		}
		live, err = s.client.get(ctx, "delete", t)
		if err != nil || live == nil {
			return err
		}
		if version(t, live) != want {
			break
		}
	}
	return fmt.Errorf("delete %s in Kubernetes at %s: %w", t.Location, s.client.address, sinks.ErrConflict)
}
