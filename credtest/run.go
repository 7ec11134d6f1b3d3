package credtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/redact"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/providers/described"
	"github.com/hashicorp/go-hclog"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// Run runs every test of the suite, then the hostile answers. The error is one of the
// machine: the server could not be started, or ctx is done.
func Run(ctx context.Context, suite *config.UpstreamTests, clock *Clock) (*Report, error) {
	defer clock.stopAt(time.Time{})
	report := &Report{}
	for _, d := range suite.Upstreams {
		r := &runner{definition: d, spec: d.Spec(), clock: clock, matched: map[string]bool{}}
		d.OnMatch = func(block string) { r.lastMatch = block }
		var mine []*config.UpstreamTest
		for _, t := range suite.Tests {
			if t.Upstream == d.Type {
				mine = append(mine, t)
			}
		}
		if len(mine) == 0 {
			report.Untested = append(report.Untested, d.Type)
			continue
		}
		for _, t := range mine {
			failures, err := r.test(ctx, t)
			if err != nil {
				return nil, err
			}
			report.Tests = append(report.Tests, Result{
				Upstream: d.Type, Operation: t.Operation, Name: t.Name, Range: t.Range, Failures: failures,
			})
		}
		for _, b := range d.Errors {
			if !r.matched[b.Name] {
				report.Unmatched = append(report.Unmatched, Unmatched{Upstream: d.Type, Name: b.Name, Place: b.Place})
			}
		}
		hostile, err := r.hostile(ctx, mine)
		if err != nil {
			return nil, err
		}
		report.Hostile = append(report.Hostile, hostile...)
	}
	return report, nil
}

// runner runs the tests of one upstream.
type runner struct {
	definition *described.Definition
	spec       *providers.Spec
	clock      *Clock
	// matched are the error blocks that a test has matched; lastMatch is the one of the
	// operation under way.
	matched   map[string]bool
	lastMatch string
}

// outcome is what came of an operation.
type outcome struct {
	token   credential.Token
	outputs credential.Outputs
	err     error
	sent    []sent
	secrets []credential.Secret
	log     string
	// base is the account's base_url.
	base string
}

// attempt does one operation of a test against a server.
func (r *runner) attempt(
	ctx context.Context, t *config.UpstreamTest, g given, s *server, attempts int,
) (*outcome, error) {
	client, done, err := s.client(attempts)
	if err != nil {
		return nil, err
	}
	defer done()
	r.clock.stopAt(t.Now)
	var log strings.Builder
	provider, err := r.spec.New(g.account, providers.Env{
		Client: client, Now: r.clock.Now, Previous: g.previous, Version: "test",
		Log: hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: &log, Mutex: new(noLock)}),
	})
	if err != nil {
		return &outcome{err: mistake{err}}, nil
	}
	r.lastMatch = ""
	o := &outcome{secrets: g.secrets(), base: g.account.String("base_url")}
	o.do(ctx, provider, t, g.token)
	o.sent, o.log = s.taken(), log.String()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return o, nil
}

// noLock is for a log that one goroutine writes.
type noLock struct{}

func (*noLock) Lock()   {}
func (*noLock) Unlock() {}

// mistake is an error of the test block itself.
type mistake struct{ error }

func (m mistake) Unwrap() error { return m.error }

// do does the operation. The error is a mistake where the upstream has no such operation.
func (o *outcome) do(ctx context.Context, p providers.Provider, t *config.UpstreamTest, token credential.Token) {
	lacking := func(what string) {
		o.err = mistake{fmt.Errorf("operation: the upstream block has no %s block", what)}
	}
	switch t.Operation {
	case described.OpLogin:
		o.token, o.err = p.Login(ctx)
	case described.OpRefresh:
		if x, ok := p.(providers.Refresher); ok {
			o.token, o.err = x.Refresh(ctx, token)
		} else {
			lacking("refresh")
		}
	case described.OpRevoke:
		if x, ok := p.(providers.Revoker); ok {
			o.err = x.Revoke(ctx, token)
		} else {
			lacking("revoke")
		}
	case described.OpSendCode, described.OpLoginWithCode:
		if x, ok := p.(providers.Challenger); ok {
			o.challenge(ctx, x, t)
		} else {
			lacking("second_factor")
		}
	default:
		if x, ok := p.(providers.Verifier); ok {
			o.token = token
			o.verify(ctx, x)
		} else {
			lacking("verify")
		}
	}
}

func (o *outcome) verify(ctx context.Context, p providers.Verifier) {
	x, ok := p.(providers.ExpiryVerifier)
	if !ok {
		o.outputs, o.err = p.Verify(ctx, o.token)
		return
	}
	var ends time.Time
	o.outputs, ends, o.err = x.VerifyExpiry(ctx, o.token)
	if !ends.IsZero() {
		o.token.ExpiresAt = ends
	}
}

func (o *outcome) challenge(ctx context.Context, p providers.Challenger, t *config.UpstreamTest) {
	if t.Operation == described.OpSendCode {
		_, o.err = p.SendCode(ctx)
		return
	}
	c, code := credential.Challenge{ID: credential.NewSecret(madeUpChallenge)}, credential.NewSecret(madeUpCode)
	if !t.Challenge.IsNull() {
		for name, v := range t.Challenge.AsValueMap() {
			switch {
			case v.IsNull() || v.Type() != cty.String:
			case name == "id":
				c.ID = credential.NewSecret(v.AsString())
			case name == "code":
				code = credential.NewSecret(v.AsString())
			}
		}
	}
	o.token, o.err = p.LoginWithCode(ctx, c, code)
}

// test runs one test block and says what was not as expected.
func (r *runner) test(ctx context.Context, t *config.UpstreamTest) ([]string, error) {
	g, err := r.given(t)
	if err != nil {
		return []string{err.Error()}, nil
	}
	var unanswered []string
	left := slices.Clone(t.Answers)
	s, err := startServer(ctx, func(w http.ResponseWriter, n int, label string) {
		i := slices.IndexFunc(left, func(a config.RecordedAnswer) bool { return a.Label == label })
		if i < 0 {
			i = slices.IndexFunc(left, func(a config.RecordedAnswer) bool { return a.Label == "" })
		}
		if i < 0 {
			unanswered = append(unanswered, fmt.Sprintf("request %d%s has no answer block", n+1, quotedLabel(label)))
			w.WriteHeader(http.StatusNotImplemented)
			return
		}
		answer(w, left[i])
		left = slices.Delete(left, i, i+1)
	})
	if err != nil {
		return nil, err
	}
	defer s.close()
	o, err := r.attempt(ctx, t, g, s, 1)
	if err != nil {
		return nil, err
	}
	if r.lastMatch != "" {
		r.matched[r.lastMatch] = true
	}
	var wrong mistake
	if errors.As(o.err, &wrong) {
		return []string{wrong.Error()}, nil
	}
	failures := append(unanswered, r.compare(t, o)...)
	for _, a := range left {
		failures = append(failures, fmt.Sprintf("the answer block%s with status %d was not asked for", quotedLabel(a.Label), a.Status))
	}
	return append(failures, leaks(o)...), nil
}

func quotedLabel(label string) string {
	if label == "" {
		return ""
	}
	return fmt.Sprintf(" %q", label)
}

// answer writes a recorded answer.
func answer(w http.ResponseWriter, a config.RecordedAnswer) {
	body, contentType := "", ""
	switch {
	case !a.JSON.IsNull():
		b, err := ctyjson.Marshal(a.JSON, a.JSON.Type())
		if err != nil {
			b = []byte("null")
		}
		body, contentType = string(b), "application/json"
	case !a.Text.IsNull():
		body, contentType = a.Text.AsString(), "text/plain; charset=utf-8"
	}
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write([]byte(body))
}

// leaks says where a secret is shown.
func leaks(o *outcome) (failures []string) {
	shown := fmt.Sprintf("%v\n%+v", o.err, o.err)
	var e *failure.Error
	if errors.As(o.err, &e) {
		b, _ := json.Marshal([]string{e.Message, e.Advice, e.URL})
		shown += string(b)
	}
	for _, w := range o.token.Warnings {
		shown += w
	}
	if redact.ContainsSecret(shown, o.secrets...) {
		failures = append(failures, "a secret is shown in the error or a warning")
	}
	if redact.ContainsSecret(o.log, o.secrets...) {
		failures = append(failures, "a secret is shown in the log")
	}
	return failures
}
