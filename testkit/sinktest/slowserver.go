package sinktest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/slowserver"
)

// Operation makes one request, or a few, of a target.
type Operation = func(context.Context, sinks.Sink, sinks.Target) error

// Operations are one of each kind of request that every sink makes, by name.
// Version is one that a target of the sink may be at.
func Operations(version string) map[string]Operation {
	return map[string]Operation{
		"stat": func(ctx context.Context, s sinks.Sink, t sinks.Target) error { _, err := s.Stat(ctx, t); return err },
		"read": func(ctx context.Context, s sinks.Sink, t sinks.Target) error { _, err := s.Read(ctx, t); return err },
		"write": func(ctx context.Context, s sinks.Sink, t sinks.Target) error {
			_, err := s.Write(ctx, t, sinks.Write{Data: Secrets("k", "canary-value"), Owner: "p/account.x.y"})
			return err
		},
		"delete": func(ctx context.Context, s sinks.Sink, t sinks.Target) error {
			return s.Delete(ctx, t, sinks.Removal{If: version})
		},
		"list": func(ctx context.Context, s sinks.Sink, t sinks.Target) error { _, err := s.List(ctx, t); return err },
	}
}

// RunSlowServer is the test that no operation outlasts the timeout of a request
// at a server whose every byte comes in time while its answer does not. Open
// returns a sink, whose timeout is short, at a server that answers so, and a
// target; advice is a text that the error must have.
func RunSlowServer(
	t *testing.T, operations map[string]Operation, advice string,
	open func(*testing.T, http.HandlerFunc) (sinks.Sink, sinks.Target),
) {
	for name, answer := range slowserver.Answers {
		for op, do := range operations {
			t.Run(op+" "+name, func(t *testing.T) {
				sink, target := open(t, answer)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				err := do(ctx, sink, target)
				if !errors.Is(err, sinks.ErrUnavailable) || !strings.Contains(err.Error(), advice) {
					t.Errorf("got %v", err)
				}
				if ctx.Err() != nil {
					t.Error("it went on until the run was stopped")
				}
			})
		}
	}
}
