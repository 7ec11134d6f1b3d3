package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
)

func outcome(d plan.Decision, r engine.Result) engine.Outcome {
	return engine.Outcome{Address: d.Address, Action: d.Action, Reason: d.Reason, Blocker: d.Blocker, Result: r}
}

func TestApplyExitCode(t *testing.T) {
	tests := map[string]struct {
		plan     *engine.Plan
		outcomes []engine.Outcome
		want     int
	}{
		"nothing to do": {planned(current), nil, 0},
		"done":          {planned(missing), []engine.Outcome{outcome(missing, engine.Done)}, 0},
		"blocked":       {planned(rejected), []engine.Outcome{outcome(rejected, engine.Blocked)}, 3},
		"done and blocked": {
			planned(missing, rejected),
			[]engine.Outcome{outcome(missing, engine.Done), outcome(rejected, engine.Blocked)},
			3,
		},
		"failed and blocked": {
			planned(missing, rejected),
			[]engine.Outcome{outcome(missing, engine.Failed), outcome(rejected, engine.Blocked)},
			1,
		},
		"another is unreadable": {
			withError(planned(missing, unread), unread.Address),
			[]engine.Outcome{outcome(missing, engine.Done)},
			1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fakeEngine{plans: []*engine.Plan{tt.plan}, summary: engine.Summary{Outcomes: tt.outcomes}}
			got := command(t, f, []string{"apply", "--auto-approve"})
			if got.code != tt.want || f.applied != 1 {
				t.Errorf("exit %d, want %d; applied %d times\n%s%s", got.code, tt.want, f.applied, got.stdout, got.stderr)
			}
		})
	}
}

func TestApplyWithoutATerminalDoesNothing(t *testing.T) {
	f := &fakeEngine{plans: []*engine.Plan{planned(missing)}}
	got := command(t, f, []string{"apply"})
	if got.code != 1 || f.applied != 0 || !strings.Contains(got.stderr, "--auto-approve") {
		t.Errorf("exit %d, applied %d times\n%s", got.code, f.applied, got.stderr)
	}
}

func TestApplyWithNothingToApproveAsksNobody(t *testing.T) {
	for name, d := range map[string]plan.Decision{"current": current, "blocked": rejected} {
		t.Run(name, func(t *testing.T) {
			f := &fakeEngine{plans: []*engine.Plan{planned(d)}}
			// The engine still has what it saw to remember.
			if got := command(t, f, []string{"apply"}); got.code != 0 || f.applied != 1 {
				t.Errorf("exit %d, applied %d times\n%s", got.code, f.applied, got.stderr)
			}
		})
	}
}

func TestApplyOfNoAccountThatCanBePlannedForDoesNothing(t *testing.T) {
	f := &fakeEngine{plans: []*engine.Plan{withError(planned(), "")}}
	if got := command(t, f, []string{"apply", "--auto-approve"}); got.code != 1 || f.applied != 0 {
		t.Errorf("exit %d, applied %d times", got.code, f.applied)
	}
}

func TestApplyJSONIsOneObjectPerLine(t *testing.T) {
	f := &fakeEngine{
		plans: []*engine.Plan{planned(missing, rejected)},
		summary: engine.Summary{Outcomes: []engine.Outcome{
			outcome(missing, engine.Done), outcome(rejected, engine.Blocked),
		}},
	}
	tests := map[string]struct {
		args []string
		fake *fakeEngine
		code int
		last string
	}{
		"done":            {[]string{"apply", "--json", "--auto-approve"}, f, 3, "blocked"},
		"not approved":    {[]string{"apply", "--json"}, f, 1, "failed"},
		"no config there": {[]string{"apply", "--json", "--auto-approve"}, nil, 1, "failed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := command(t, tt.fake, tt.args)
			if got.code != tt.code {
				t.Errorf("exit %d, want %d", got.code, tt.code)
			}
			var last map[string]any
			for line := range strings.Lines(got.stdout) {
				last = nil
				if err := json.Unmarshal([]byte(line), &last); err != nil {
					t.Fatalf("%v in %q", err, line)
				}
				for _, field := range []string{"type", "address", "action", "reason", "outcome", "message", "time"} {
					if _, ok := last[field]; !ok {
						t.Errorf("no %s in %s", field, line)
					}
				}
			}
			if last["type"] != "summary" || last["outcome"] != tt.last {
				t.Errorf("ends with %v, want a summary of outcome %s", last, tt.last)
			}
		})
	}
}
