package sinktest

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/sinks"
	"github.com/google/go-cmp/cmp"
)

// env is one test's view of a sink. Every error passes through check, which
// looks for the secrets that were written.
type env struct {
	*testing.T
	suite Suite
	sink  sinks.Sink

	mu      sync.Mutex
	written []string
}

func newEnv(t *testing.T, s Suite) *env {
	return &env{T: t, suite: s, sink: s.New(t)}
}

func (e *env) target(name string) sinks.Target    { return e.suite.Target(e.T, name, false) }
func (e *env) mergeInto(name string) sinks.Target { return e.suite.Target(e.T, name, true) }

// Secrets makes data of pairs "key", "value", ….
func Secrets(pairs ...string) map[string]credential.Secret {
	m := make(map[string]credential.Secret, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = credential.NewSecret(pairs[i+1])
	}
	return m
}

// check fails the test if err tells a secret.
func (e *env) check(err error) error {
	e.Helper()
	if err == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, secret := range e.written {
		if strings.Contains(err.Error(), secret) {
			e.Error("an error holds a secret that was written")
		}
	}
	return err
}

func (e *env) remember(data map[string]credential.Secret) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range data {
		// A short value would be found in any text.
		if v := s.Reveal(); len(v) >= 6 {
			e.written = append(e.written, v)
		}
	}
}

func (e *env) stat(t sinks.Target) sinks.Info {
	e.Helper()
	info, err := e.sink.Stat(e.Context(), t)
	if e.check(err) != nil {
		e.Fatalf("Stat: %v", err)
	}
	return info
}

// tryWrite writes at a version and returns what came of it.
func (e *env) tryWrite(t sinks.Target, version string, data map[string]credential.Secret) (string, error) {
	e.Helper()
	return e.writeWith(e.Context(), t, version, data)
}

func (e *env) writeWith(
	ctx context.Context,
	t sinks.Target,
	version string,
	data map[string]credential.Secret,
) (string, error) {
	e.Helper()
	e.remember(data)
	v, err := e.sink.Write(ctx, t, sinks.Write{Data: data, If: version, Owner: "suite/account.x.y"})
	return v, e.check(err)
}

func (e *env) write(t sinks.Target, version string, data map[string]credential.Secret) string {
	e.Helper()
	v, err := e.tryWrite(t, version, data)
	if err != nil {
		e.Fatalf("Write: %v", err)
	}
	if v == "" && !e.suite.NoCompareAndSet {
		e.Fatal("Write returned no version")
	}
	return v
}

func (e *env) delete(t sinks.Target, r sinks.Removal) {
	e.Helper()
	if err := e.check(e.sink.Delete(e.Context(), t, r)); err != nil {
		e.Fatalf("Delete: %v", err)
	}
}

// wantData reads a target and compares, without printing a value.
func (e *env) wantData(t sinks.Target, want map[string]credential.Secret) sinks.Object {
	e.Helper()
	obj, err := e.sink.Read(e.Context(), t)
	if e.check(err) != nil {
		e.Fatalf("Read: %v", err)
	}
	equal := maps.EqualFunc(want, obj.Data, credential.Secret.Equal)
	if !equal {
		e.Errorf("read something else than was written: keys and equality:\n%s", cmp.Diff(lengths(want), lengths(obj.Data)))
	}
	return obj
}

// lengths describes data by what is no secret.
func lengths(m map[string]credential.Secret) map[string]int {
	out := make(map[string]int, len(m))
	for k, s := range m {
		out[k] = len(s.Reveal())
	}
	return out
}

func (e *env) wantError(err, class error) {
	e.Helper()
	if !errors.Is(e.check(err), class) {
		e.Errorf("error %v, want one that is %q", err, class)
	}
}
