package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// fakeEngine is an engine whose plans and ends are given.
type fakeEngine struct {
	// plans are what Plan returns, one after the other; the last one stays.
	plans    []*engine.Plan
	summary  engine.Summary
	requests []engine.Request
	applied  int
	proved   int
	// begun counts logins begun, which gave sent; code is what finished one.
	begun int
	sent  engine.Sent
	code  credential.Secret
	// checks are what Check returns.
	checks []engine.Check
	// recoverErr is what Recover returns.
	recoverErr error
}

func (f *fakeEngine) Plan(_ context.Context, r engine.Request) *engine.Plan {
	f.requests = append(f.requests, r)
	if len(f.plans) == 0 {
		return &engine.Plan{}
	}
	p := f.plans[0]
	if len(f.plans) > 1 {
		f.plans = f.plans[1:]
	}
	return p
}

func (f *fakeEngine) PlanSaved(ctx context.Context, s *engine.Saved) *engine.Plan {
	return f.Plan(ctx, engine.Request{Targets: s.Targets})
}

func (f *fakeEngine) Save(w io.Writer, _ *engine.Plan) error {
	_, err := io.WriteString(w, "saved")
	return err
}

func (f *fakeEngine) Apply(_ context.Context, _ *engine.Plan, obs engine.Observer) *engine.Summary {
	f.applied++
	for _, o := range f.summary.Outcomes {
		obs.AccountDone(o)
	}
	return &f.summary
}

func (f *fakeEngine) Authenticate(context.Context, *engine.Plan, engine.Observer) *engine.Summary {
	f.proved++
	return &f.summary
}

func (f *fakeEngine) Check(_ context.Context, _ []string, obs engine.CheckObserver) ([]engine.Check, diag.List) {
	obs.CheckBegun(len(f.checks))
	for _, c := range f.checks {
		obs.AccountChecked(c)
	}
	return f.checks, nil
}

func (f *fakeEngine) BeginLogin(context.Context, string) engine.Sent {
	f.begun++
	return f.sent
}

func (f *fakeEngine) FinishLogin(_ context.Context, _ string, code credential.Secret) engine.Outcome {
	f.code = code
	return f.summary.Outcomes[0]
}

func (f *fakeEngine) Recover(_ context.Context, content []byte, _ credential.Secret) (string, error) {
	return string(content), f.recoverErr
}

// result is what a command left.
type result struct {
	code           int
	stdout, stderr string
}

// command runs the program on a fake engine. env is NAME=value.
func command(t *testing.T, f *fakeEngine, args []string, env ...string) result {
	t.Helper()
	return commandIn(t.Context(), f, args, env...)
}

func commandIn(ctx context.Context, f *fakeEngine, args []string, env ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, environment{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(name string) string {
			for _, e := range env {
				if k, v, _ := strings.Cut(e, "="); k == name {
					return v
				}
			}
			return ""
		},
		now: func() time.Time { return time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC) },
		open: func(context.Context, *app, string, int) (*workspace, diag.List) {
			if f == nil {
				return nil, diag.List{diag.Errorf("No configuration files", "There are none.")}
			}
			return &workspace{
				config: &config.Config{Project: "payments", State: &config.State{Implicit: true}},
				engine: f, clockSkews: &clockSkews{}, close: func() {},
			}, nil
		},
	})
	return result{code, stdout.String(), stderr.String()}
}

// planned is a plan with one account for each decision.
func planned(decisions ...plan.Decision) *engine.Plan {
	p := &engine.Plan{Project: "payments"}
	for _, d := range decisions {
		p.Accounts = append(p.Accounts, &engine.AccountPlan{Decision: d})
	}
	return p
}

var (
	current  = plan.Decision{Address: "account.sagi.a", Action: plan.None, Reason: plan.Current}
	missing  = plan.Decision{Address: "account.sagi.b", Action: plan.Issue, Reason: plan.NoToken}
	rejected = plan.Decision{
		Address: "account.sagi.c", Action: plan.BlockedAction, Reason: "credentials_rejected",
		Blocker: &plan.Block{Reason: "credentials_rejected", Message: "no"},
	}
	unread = plan.Decision{Address: "account.sagi.d", Action: plan.None, Reason: plan.Unreadable}
)

func withError(p *engine.Plan, address string) *engine.Plan {
	p.Diagnostics = append(p.Diagnostics, diag.Errorf("The state cannot be read", "It is damaged.").About(address, nil))
	return p
}
