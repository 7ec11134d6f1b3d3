// Package memorysink is a sink for tests: everything is lost with the process. It
// behaves as KV version 2 of Vault does, including marks of ownership apart
// from the data, and can be told to fail.
package memorysink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

// The operations, as Fail, Lose and Calls name them.
const (
	Stat      = "stat"
	Read      = "read"
	Write     = "write"
	Delete    = "delete"
	List      = "list"
	Claim     = "claim"
	Preflight = "preflight"
	Restart   = "restart"
)

// Sink is an in-memory sink. The zero value is not usable; call New.
//
// To get one that cannot mark owners or foresee denials, as files cannot, wrap it
// in Unmarked.
type Sink struct {
	// Fail is asked before each operation takes effect; an error that it
	// returns is the operation's result. For Preflight the target is each of
	// those asked about. Set it, and Lose, only while no operation runs.
	Fail func(op string, t sinks.Target) error
	// Lose is asked after an operation took effect, as Fail is before: an
	// error from it is an answer that got lost on the way.
	Lose func(op string, t sinks.Target) error

	// server tells one sink's places from another's.
	server int64

	mu      sync.Mutex
	objects map[string]object
	// made counts the objects.
	made  int
	calls map[string]int
	// restarts are the stamps by name.
	restarts map[string][]time.Time
}

type object struct {
	data    map[string]credential.Secret
	owner   string
	version int
	// made tells objects apart that were created again at one path, or elsewhere.
	made string
	// exists is false for what was only claimed, or was deleted softly.
	exists bool
}

func (o object) versionString() string {
	if o.version == 0 {
		return ""
	}
	return fmt.Sprintf("%d@%s", o.version, o.made)
}

// born gives an object that is about to have its first version what tells it
// from others.
func (s *Sink) born(o *object) {
	if o.made == "" {
		s.made++
		o.made = fmt.Sprintf("%d.%d", s.server, s.made)
	}
}

var (
	_ sinks.Sink        = (*Sink)(nil)
	_ sinks.Claimer     = (*Sink)(nil)
	_ sinks.Preflighter = (*Sink)(nil)
	_ sinks.Restarter   = (*Sink)(nil)
)

// Unmarked is a sink that can neither mark owners nor foresee denials.
type Unmarked struct{ sinks.Sink }

// Stat implements sinks.Sink.
func (s Unmarked) Stat(ctx context.Context, t sinks.Target) (sinks.Info, error) {
	info, err := s.Sink.Stat(ctx, t)
	info.Marks = false
	return info, err
}

// New returns an empty sink.
func New() *Sink {
	return &Sink{
		server:   servers.Add(1),
		objects:  map[string]object{},
		calls:    map[string]int{},
		restarts: map[string][]time.Time{},
	}
}

// servers counts the sinks that were made.
var servers atomic.Int64

// Place implements sinks.Sink. A clone is the same server.
func (s *Sink) Place(ctx context.Context, t sinks.Target) (sinks.Place, error) {
	return sinks.Place(s.Address() + "/" + t.Path), ctx.Err()
}

// At implements sinks.Sink.
func (s *Sink) At(ctx context.Context, p sinks.Place, options schema.Values) (sinks.Target, bool, error) {
	path, here := strings.CutPrefix(string(p), s.Address()+"/")
	return sinks.Target{Path: path, Location: "memory/" + path, Options: options}, here && path != "", ctx.Err()
}

// Address implements sinks.Sink.
func (s *Sink) Address() string { return "memory-" + strconv.FormatInt(s.server, 10) }

// Calls returns how often an operation was called, failures included.
func (s *Sink) Calls(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// Put writes data as somebody else would: with no regard to versions or
// owners.
func (s *Sink) Put(path string, data map[string]credential.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[path]
	s.born(&o)
	o.data, o.exists = maps.Clone(data), true
	o.version++
	s.objects[path] = o
}

// Get returns the data at a path, and whether there is any.
func (s *Sink) Get(path string) (map[string]credential.Secret, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[path]
	return maps.Clone(o.data), o.exists
}

// Paths returns where there is data, in order.
func (s *Sink) Paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var paths []string
	for path, o := range s.objects {
		if o.exists {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// Remove deletes a path as somebody else would, without a trace.
func (s *Sink) Remove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, path)
}

// SoftRemove deletes the data at a path but keeps its version and owner, as
// "vault kv delete" does.
func (s *Sink) SoftRemove(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[path]
	o.data, o.exists = nil, false
	s.objects[path] = o
}

// do runs one operation under the lock, between the two fault hooks. The hooks
// run without the lock, so that they may look into the sink.
func (s *Sink) do(ctx context.Context, op string, targets []sinks.Target, f func() error) error {
	s.mu.Lock()
	s.calls[op]++
	s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return describe(op, targets[0], err)
	}
	if err := ask(s.Fail, op, targets); err != nil {
		return err
	}
	s.mu.Lock()
	err := f()
	s.mu.Unlock()
	if err != nil {
		return describe(op, targets[0], err)
	}
	return ask(s.Lose, op, targets)
}

func describe(op string, t sinks.Target, err error) error {
	return fmt.Errorf("%s %s in memory: %w", op, t.Location, err)
}

func ask(hook func(string, sinks.Target) error, op string, targets []sinks.Target) error {
	if hook == nil {
		return nil
	}
	var errs []error
	for _, t := range targets {
		errs = append(errs, hook(op, t))
	}
	return errors.Join(errs...)
}

func infoOf(t sinks.Target, o object) sinks.Info {
	return sinks.Info{Exists: o.exists, Version: o.versionString(), Owner: o.owner, Marks: !t.Merge}
}

// Stat implements sinks.Sink.
func (s *Sink) Stat(ctx context.Context, t sinks.Target) (info sinks.Info, err error) {
	err = s.do(ctx, Stat, []sinks.Target{t}, func() error {
		o := s.objects[t.Path]
		info = infoOf(t, o)
		return nil
	})
	return info, err
}

// Read implements sinks.Sink.
func (s *Sink) Read(ctx context.Context, t sinks.Target) (obj sinks.Object, err error) {
	err = s.do(ctx, Read, []sinks.Target{t}, func() error {
		o := s.objects[t.Path]
		if !o.exists {
			obj.Version = o.versionString()
			return sinks.ErrNotFound
		}
		obj = sinks.Object{Data: maps.Clone(o.data), Version: o.versionString()}
		return nil
	})
	return obj, err
}

// Write implements sinks.Sink. As in Vault it leaves the owner to Claim.
func (s *Sink) Write(ctx context.Context, t sinks.Target, w sinks.Write) (version string, err error) {
	err = s.do(ctx, Write, []sinks.Target{t}, func() error {
		o := s.objects[t.Path]
		if o.versionString() != w.If {
			return sinks.ErrConflict
		}
		data := map[string]credential.Secret{}
		if t.Merge {
			maps.Copy(data, o.data)
		}
		for _, key := range w.Drop {
			delete(data, key)
		}
		maps.Copy(data, w.Data)
		s.born(&o)
		o.data, o.exists = data, true
		o.version++
		s.objects[t.Path] = o
		version = o.versionString()
		return nil
	})
	return version, err
}

// Delete implements sinks.Sink.
func (s *Sink) Delete(ctx context.Context, t sinks.Target, r sinks.Removal) error {
	return s.do(ctx, Delete, []sinks.Target{t}, func() error {
		o := s.objects[t.Path]
		switch {
		case !o.exists && (r.Keys != nil || o.version == 0):
			return nil
		case o.versionString() != r.If:
			return sinks.ErrConflict
		case r.Keys == nil:
			delete(s.objects, t.Path)
			return nil
		}
		o.data = maps.Clone(o.data)
		for _, key := range r.Keys {
			delete(o.data, key)
		}
		o.version++
		s.objects[t.Path] = o
		return nil
	})
}

// List implements sinks.Sink.
func (s *Sink) List(ctx context.Context, prefix sinks.Target) (list []sinks.Target, err error) {
	err = s.do(ctx, List, []sinks.Target{prefix}, func() error {
		for path, o := range s.objects {
			name, below := strings.CutPrefix(path, prefix.Path+"/")
			if below && o.exists && !strings.Contains(name, "/") {
				list = append(list, sinks.Target{Path: path, Location: prefix.Location + "/" + name})
			}
		}
		slices.SortFunc(list, func(a, b sinks.Target) int { return strings.Compare(a.Path, b.Path) })
		return nil
	})
	return list, err
}

// Claim implements sinks.Claimer. As in Vault it is several steps.
func (s *Sink) Claim(ctx context.Context, t sinks.Target, w sinks.Write, seen sinks.Info) (string, error) {
	if err := s.Mark(ctx, t, w.Owner, seen); err != nil {
		return "", err
	}
	version, err := s.Write(ctx, t, w)
	if errors.Is(err, sinks.ErrConflict) {
		s.Unmark(t, w.Owner, seen)
	}
	return version, err
}

// Unmark is the last step of a Claim that has met a conflict.
func (s *Sink) Unmark(t sinks.Target, owner string, seen sinks.Info) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.objects[t.Path]; ok && o.owner == owner {
		o.owner = seen.Owner
		s.objects[t.Path] = o
	}
}

// Mark is the first step of a Claim. A target that is merged into belongs to
// nobody, so it is not marked.
func (s *Sink) Mark(ctx context.Context, t sinks.Target, owner string, seen sinks.Info) error {
	return s.do(ctx, Claim, []sinks.Target{t}, func() error {
		o := s.objects[t.Path]
		if infoOf(t, o) != seen {
			return sinks.ErrConflict
		}
		if t.Merge {
			return nil
		}
		o.owner = owner
		s.objects[t.Path] = o
		return nil
	})
}

// Preflight implements sinks.Preflighter. Only Fail can make it fail.
func (s *Sink) Preflight(ctx context.Context, trials []sinks.Trial) []error {
	errs := make([]error, len(trials))
	for i, t := range trials {
		errs[i] = s.do(ctx, Preflight, []sinks.Target{t.Target}, func() error { return nil })
	}
	return errs
}

// Restart implements sinks.Restarter.
func (s *Sink) Restart(ctx context.Context, t sinks.Target, stamp time.Time) error {
	return s.do(ctx, Restart, []sinks.Target{t}, func() error {
		for _, name := range t.Restarts {
			if list := s.restarts[name]; len(list) == 0 || !list[len(list)-1].Equal(stamp) {
				s.restarts[name] = append(list, stamp)
			}
		}
		return nil
	})
}

// Clone returns a sink of its own with the same content, without the hooks and
// the counts.
func (s *Sink) Clone() *Sink {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := New()
	c.server, c.made = s.server, s.made
	// What is in the maps is replaced, never changed.
	maps.Copy(c.objects, s.objects)
	maps.Copy(c.restarts, s.restarts)
	return c
}

// Restarts returns how often something was restarted.
func (s *Sink) Restarts(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.restarts[name])
}
