package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/internal/proxyenv"
	"github.com/hashicorp/vault/api"
)

// maxAnswer bounds what is read of an answer; a KV secret is at most 1 MiB.
const maxAnswer = 8 << 20

// do sends what f sends with the shared token. A denial is tried once more if
// it was for want of a valid token and another can be had.
func (s *Sink) do(ctx context.Context, r request, f func(context.Context, *api.Logical) error) error {
	r.client, r.mount = s.client, s.mount
	token, err := s.sessions.current(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", r.op, err)
	}
	err = f(ctx, s.sessions.as(token))
	if status(err) == 403 {
		err = s.retryWithNewToken(ctx, r, token, err, f)
	}
	var done describedError
	if errors.As(err, &done) {
		return done.error
	}
	if err != nil {
		return describe(ctx, err, r)
	}
	return nil
}

// describedError marks an error that needs no more words.
type describedError struct{ error }

func (d describedError) Unwrap() error { return d.error }

func (s *Sink) retryWithNewToken(
	ctx context.Context,
	r request,
	token credential.Secret,
	denial error,
	f func(context.Context, *api.Logical) error,
) error {
	fresh, err := s.sessions.replace(ctx, token, denial)
	if errors.Is(err, errStillGood) {
		return denial
	}
	if err != nil {
		return describedError{fmt.Errorf("%s: %w", r.op, err)}
	}
	err = f(ctx, s.sessions.as(fresh))
	if status(err) == 403 {
		s.sessions.stillDenied(ctx, fresh)
	}
	return err
}

// get reads a path into out; found is false where nothing is there, and out
// then has what the answer says all the same.
func (s *Sink) get(ctx context.Context, r request, out any) (found bool, err error) {
	return s.getWith(ctx, r, nil, func(body []byte) error { return json.Unmarshal(body, out) })
}

func (s *Sink) getWith(
	ctx context.Context,
	r request,
	query url.Values,
	decode func([]byte) error,
) (found bool, err error) {
	r.client = s.client
	err = s.do(ctx, r, func(ctx context.Context, l *api.Logical) error {
		// The client leaves its deadline running, with all that belongs to
		// the request, until it has passed.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		resp, err := l.ReadRawWithDataWithContext(ctx, r.path, query)
		if resp != nil {
			defer func() { _ = resp.Body.Close() }()
		}
		if status(err) == 404 && !vaultSays(err, "no handler for route") && !vaultSays(err, "unsupported path") {
			// A secret whose latest version was deleted is answered with 404
			// and its metadata; the client has made the body readable again.
			if body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err == nil {
				_ = decode(body)
			}
			return nil
		}
		if err != nil {
			return err
		}
		body, err := readAll(resp)
		if err != nil {
			return err
		}
		if decode(body) != nil {
			return describedError{errForeign(r)}
		}
		found = true
		return nil
	})
	return found, err
}

// readAll reads an answer into as many bytes as it says that it has.
func readAll(resp *api.Response) ([]byte, error) {
	var body bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= maxAnswer {
		// What is read at once leaves room for the end.
		body.Grow(int(n) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(resp.Body, maxAnswer))
	return body.Bytes(), err
}

// write sends a body with PUT, which for Vault is the same as POST.
func (s *Sink) write(ctx context.Context, r request, body map[string]any) (answer *api.Secret, err error) {
	err = s.do(ctx, r, func(ctx context.Context, l *api.Logical) (err error) {
		answer, err = l.WriteWithContext(ctx, r.path, body)
		return err
	})
	return answer, err
}

// patch sends a JSON merge patch; found is false where there is nothing to
// patch.
func (s *Sink) patch(ctx context.Context, r request, body map[string]any) (answer *api.Secret, found bool, err error) {
	err = s.do(ctx, r, func(ctx context.Context, l *api.Logical) (err error) {
		answer, err = l.JSONMergePatch(ctx, r.path, body)
		if status(err) == 404 && !vaultSays(err, "no handler for route") {
			return nil
		}
		found = err == nil
		return err
	})
	return answer, found, err
}

// erasePath sends DELETE, which for metadata takes all versions with it.
func (s *Sink) erasePath(ctx context.Context, r request) error {
	return s.do(ctx, r, func(ctx context.Context, l *api.Logical) error {
		_, err := l.DeleteWithContext(ctx, r.path)
		if status(err) == 404 && !vaultSays(err, "no handler for route") {
			return nil
		}
		return err
	})
}

// retriedKey is the context's key of the flag that checkRetry raises.
type retriedKey struct{}

// watchRetries returns a context in which a request that is sent more than
// once is noticed: its first attempt may have been carried out.
func watchRetries(ctx context.Context) (context.Context, *atomic.Bool) {
	retried := new(atomic.Bool)
	return context.WithValue(ctx, retriedKey{}, retried), retried
}

// checkRetry retries what may pass by itself: lost connections, 412, 429, 5xx,
// an election.
func checkRetry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	var variable proxyenv.Error
	if isPermanentRedirect(err) || errors.As(err, &variable) {
		return false, nil
	}
	again, err := api.DefaultRetryPolicy(ctx, resp, err)
	if flag, ok := ctx.Value(retriedKey{}).(*atomic.Bool); ok && again {
		flag.Store(true)
	}
	return again, err
}
