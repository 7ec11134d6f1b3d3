package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/credsync/credsync/schema"
	"github.com/credsync/credsync/sinks"
)

// Sink writes to the files of one directory.
type Sink struct {
	// dir is absolute; shown is as the sink block has it.
	dir, shown string
	// turn lets one writer of this process at a time ask for the lock.
	turn chan struct{}
	now  func() time.Time
	// tidied is when directories were last gone through for unfinished files;
	// whoever has the turn may touch it.
	tidied map[string]time.Time
}

var (
	_ sinks.Sink        = (*Sink)(nil)
	_ sinks.BulkPlacer  = (*Sink)(nil)
	_ sinks.BulkStatter = (*Sink)(nil)
	_ sinks.Preflighter = (*Sink)(nil)
	_ sinks.Durable     = (*Sink)(nil)
)

func open(conn schema.Values, env sinks.Env) (sinks.Sink, error) {
	dir := conn.String("dir")
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(env.Dir, dir)
	}
	return &Sink{
		dir:    dir,
		shown:  conn.String("dir"),
		turn:   make(chan struct{}, 1),
		now:    env.Now,
		tidied: map[string]time.Time{},
	}, nil
}

// Stat implements sinks.Sink. It reads the file, for its version is a hash.
func (s *Sink) Stat(ctx context.Context, t sinks.Target) (sinks.Info, error) {
	content, info, err := s.content(ctx, t)
	if errors.Is(err, fs.ErrNotExist) {
		return sinks.Info{}, nil
	}
	if err != nil {
		return sinks.Info{}, s.describe("check", t, err)
	}
	return sinks.Info{Exists: true, Version: version(content), Differs: differs(t.Options, info)}, nil
}

// Read implements sinks.Sink. What is in a file of format raw comes back under
// the key "value", since the file does not say its key.
func (s *Sink) Read(ctx context.Context, t sinks.Target) (sinks.Object, error) {
	content, _, err := s.content(ctx, t)
	if err != nil {
		return sinks.Object{}, s.describe("read", t, err)
	}
	doc, err := decode(t.Options, content)
	if err != nil {
		return sinks.Object{}, s.describe("read", t, err)
	}
	return sinks.Object{Data: doc.data(), Version: version(content), Unnamed: formatOf(t.Options) == formatRaw}, nil
}

// Write implements sinks.Sink. Owner is not marked: a file has no place for it.
func (s *Sink) Write(ctx context.Context, t sinks.Target, w sinks.Write) (string, error) {
	var v string
	err := s.replace(ctx, t, w.If, func(now []byte) ([]byte, error) {
		doc, err := documentBefore(t, now)
		if err != nil {
			return nil, err
		}
		if t.Merge {
			doc.remove(w.Drop)
		}
		if err := doc.set(w.Data); err != nil {
			return nil, err
		}
		content, err := encode(t.Options, doc)
		v = version(content)
		return content, err
	})
	if err != nil {
		return "", s.describe("write", t, err)
	}
	return v, nil
}

// Delete implements sinks.Sink.
func (s *Sink) Delete(ctx context.Context, t sinks.Target, r sinks.Removal) error {
	if _, _, err := s.content(ctx, t); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var err error
	if r.Keys == nil {
		err = s.remove(ctx, t, r.If)
	} else {
		err = s.replace(ctx, t, r.If, func(now []byte) ([]byte, error) {
			doc, err := documentBefore(t, now)
			if err != nil {
				return nil, err
			}
			doc.remove(r.Keys)
			return encode(t.Options, doc)
		})
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return s.describe("delete", t, err)
	}
	return nil
}

// List implements sinks.Sink. Below a state's directory only records count.
func (s *Sink) List(ctx context.Context, prefix sinks.Target) ([]sinks.Target, error) {
	names, err := s.listNames(ctx, prefix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.describe("list", prefix, err)
	}
	var list []sinks.Target
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) || isState(prefix.Options) && path.Ext(name) != recordExt {
			continue
		}
		t := prefix
		t.Path, t.Location = path.Join(prefix.Path, name), filepath.Join(prefix.Location, name)
		list = append(list, t)
	}
	return list, nil
}

// documentBefore is the document that a write starts from: what is there where it is
// merged into, otherwise nothing.
func documentBefore(t sinks.Target, now []byte) (document, error) {
	if t.Merge && now != nil && formatOf(t.Options) != formatRaw {
		return decode(t.Options, now)
	}
	return emptyDocument(t)
}

// describe describes an error, and gives it the class that callers look for.
func (s *Sink) describe(op string, t sinks.Target, err error) error {
	where := filepath.Join(s.dir, filepath.FromSlash(t.Path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %s: %w", op, where, sinks.ErrNotFound)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s %s: %w: %w; give the user who runs credsync access to this file and its directory", op, where, sinks.ErrDenied, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s %s: %w: %w; free space on this disk and run credsync again", op, where, sinks.ErrUnavailable, err)
	}
	return fmt.Errorf("%s %s: %w", op, where, err)
}
