package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
)

// scripted is an engine whose answers are the test's; asked has what it was asked.
type scripted struct {
	listed
	mu      sync.Mutex // workers ask at the same time
	asked   []string
	plan    func(ctx context.Context) *engine.AccountPlan
	apply   func(*engine.AccountPlan) engine.AccountResult
	removed *engine.Plan
}

func (s *scripted) PlanAccount(ctx context.Context, address string, offline bool) *engine.AccountPlan {
	s.note(fmt.Sprintf("plan %s, offline %t", address, offline))
	return s.plan(ctx)
}

func (s *scripted) ApplyAccount(_ context.Context, p *engine.AccountPlan) engine.AccountResult {
	s.note(fmt.Sprintf("apply %s", p.Address))
	return s.apply(p)
}

func (s *scripted) PlanRemoved(context.Context, *address.Shard) (*engine.Plan, error) {
	return s.removed, nil
}

func (s *scripted) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, call)
}

func planned(address string, action plan.Action) *engine.AccountPlan {
	return &engine.AccountPlan{Decision: plan.Decision{Address: address, Action: action, Reason: plan.Current}}
}

func done(p *engine.AccountPlan) engine.AccountResult {
	return engine.AccountResult{
		Plan:    p,
		Outcome: &engine.Outcome{Address: p.Address, Action: p.Action, Result: engine.Done},
	}
}

// Only for a login or a refresh the inputs have to be fresh, and what is read then is
// looked at before anything is done.
func TestAWorkerLooksAgainWhereItsInputsAreNew(t *testing.T) {
	for _, c := range []struct {
		action plan.Action
		ago    time.Duration
		reads  int
		asked  []string
	}{
		{plan.Issue, time.Hour, 1, []string{"plan a, offline true", "plan a, offline true", "apply a"}},
		{plan.Refresh, time.Hour, 1, []string{"plan a, offline true", "plan a, offline true", "apply a"}},
		{plan.Issue, time.Second, 0, []string{"plan a, offline true", "apply a"}},
		{plan.Deliver, time.Hour, 0, []string{"plan a, offline true", "apply a"}},
		{plan.None, time.Hour, 0, []string{"plan a, offline true", "apply a"}},
	} {
		r := newRereading()
		s := &scripted{plan: func(context.Context) *engine.AccountPlan { return planned("a", c.action) }, apply: done}
		use := func() *Loaded {
			return &Loaded{Config: &config.Config{Data: []*config.Data{{}}}, Engine: s, Close: func() {}}
		}
		r.uses(c.ago, true)
		r.current.Loaded = use()
		r.result = func(context.Context) (*Loaded, diag.List) { return use(), nil }
		f := r.runJob(t.Context(), job{address: "a", offline: true, priority: canWait})
		if !slices.Equal(s.asked, c.asked) || len(r.loads) != c.reads {
			t.Errorf("%s, read %s ago: %q and %d readings", c.action, c.ago, s.asked, len(r.loads))
		}
		if f.gone || f.tended.Plan.Action != c.action || r.current.users != 0 {
			t.Errorf("%s: %+v, in use by %d", c.action, f, r.current.users)
		}
	}
}

// A worker that is told to stop hands in what it began, and nothing else.
func TestAWorkerThatIsStopped(t *testing.T) {
	failed := func(o engine.Outcome) *engine.Outcome { o.Result = engine.Failed; return &o }
	for name, c := range map[string]struct {
		stopped bool
		outcome *engine.Outcome
		gone    bool
	}{
		"before it began":           {true, failed(engine.Outcome{}), true},
		"after it logged in":        {true, failed(engine.Outcome{Logins: 1}), false},
		"after it refreshed":        {true, failed(engine.Outcome{Refreshes: 1}), false},
		"after it was done":         {true, &engine.Outcome{Result: engine.Done}, false},
		"with nothing to do":        {true, nil, false},
		"not at all, and it failed": {false, failed(engine.Outcome{}), false},
	} {
		ctx, stop := context.WithCancel(t.Context())
		d, _ := still(4)
		d.uses()
		d.current.Engine = &scripted{
			plan: func(context.Context) *engine.AccountPlan { return planned("a", plan.Issue) },
			apply: func(p *engine.AccountPlan) engine.AccountResult {
				if c.stopped {
					stop()
				}
				return engine.AccountResult{Plan: p, Outcome: c.outcome}
			},
		}
		if f := d.runJob(ctx, job{address: "a", priority: canWait}); f.gone != c.gone ||
			f.tended.Outcome != c.outcome && !c.gone {
			t.Errorf("%s: %+v", name, f)
		}
		stop()
	}
}

// A target or an upstream that never answers does not hold a worker for ever.
func TestALookIsBounded(t *testing.T) {
	d, _ := still(4)
	d.uses()
	d.current.Engine = &scripted{apply: done, plan: func(ctx context.Context) *engine.AccountPlan {
		if at, bounded := ctx.Deadline(); !bounded || time.Until(at) > 2*time.Minute || time.Until(at) < time.Minute {
			t.Errorf("it may take until %s", at)
		}
		return planned("a", plan.None)
	}}
	d.runJob(t.Context(), job{address: "a"})
}

// How late a rotation begins is measured, and not how late a check does.
func TestTheDelayOfRotationsIsMeasured(t *testing.T) {
	d, _ := still(4)
	d.uses()
	d.current.Engine = &scripted{
		apply: done,
		plan:  func(context.Context) *engine.AccountPlan { return planned("a", plan.None) },
	}
	d.runJob(t.Context(), job{address: "a", priority: canWait, due: t0})
	d.runJob(t.Context(), job{address: "a", priority: urgent, due: t0.Add(-3 * time.Second)})
	h := gathered(t, d, "credsync_rotation_delay_seconds").GetHistogram()
	if h.GetSampleCount() != 1 || h.GetSampleSum() != 3 {
		t.Errorf("%d delays of %v s in all", h.GetSampleCount(), h.GetSampleSum())
	}
}

// What one configuration does not have the next one may: a sweep ends where another
// comes, or the daemon is told to stop.
func TestASweepEndsWithItsConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(d *Daemon, stop func())
		want int
	}{
		"nothing happens":             {func(*Daemon, func()) {}, 3},
		"another configuration comes": {func(d *Daemon, _ func()) { d.uses() }, 1},
		"it is told to stop":          {func(_ *Daemon, stop func()) { stop() }, 1},
	} {
		ctx, stop := context.WithCancel(t.Context())
		d, lines := still(4)
		d.uses()
		s := &scripted{
			removed: &engine.Plan{
				Accounts: []*engine.AccountPlan{
					planned("a", plan.Delete),
					planned("b", plan.Delete),
					planned("c", plan.Delete),
				},
			},
		}
		s.apply = func(p *engine.AccountPlan) engine.AccountResult {
			c.end(d, stop)
			r := done(p)
			if p.Address == "a" {
				r.HeldUntil = t0.Add(time.Minute)
			}
			return r
		}
		d.current.Engine = s
		if f := d.sweep(ctx, job{act: true}); len(s.asked) != c.want || !f.held ||
			strings.Count(lines.String(), "deleted: address=") != c.want {
			t.Errorf("%s: %q, held %t, %s", name, s.asked, f.held, lines)
		}
		stop()
	}
}

// What is reported of an account reaches the metrics, the log and the view.
func TestWhatIsReportedOfAnAccount(t *testing.T) {
	current, disabled, odd := planned("account.x.a", plan.None), planned("account.x.a", plan.None), planned("account.x.a", plan.None)
	disabled.Reason, odd.Reason = plan.Disabled, plan.Unreadable
	for name, c := range map[string]struct {
		result          engine.AccountResult
		logins, settled float64
	}{
		"in order":       {engine.AccountResult{Plan: current}, 0, float64(t0.Unix())},
		"disabled":       {engine.AccountResult{Plan: disabled}, 0, float64(t0.Unix())},
		"not looked at":  {engine.AccountResult{Plan: odd}, 0, 0},
		"held elsewhere": {engine.AccountResult{Plan: current, HeldUntil: t0.Add(time.Minute)}, 0, 0},
		"logged in": {engine.AccountResult{Plan: current, Outcome: &engine.Outcome{
			Address: "account.x.a", Action: plan.Issue, Result: engine.Done, Logins: 1, At: at(7),
		}}, 1, float64(at(7).Unix())},
	} {
		d, _ := still(4)
		c.result.Plan.Provider = "x"
		d.report(jobResult{tended: c.result}, dueTimes{look: at(60)}, t0)
		text := gatheredAll(t, d)
		if got := gauge(t, d, "credsync_account_action"); got != 1 || d.status.plans["account.x.a"] != c.result.Plan {
			t.Errorf("%s: the action is %v, the view %v", name, got, d.status.plans)
		}
		if got := gathered(t, d, "credsync_logins_total").GetCounter().GetValue(); got != c.logins {
			t.Errorf("%s: %v logins", name, got)
		}
		if there := strings.Contains(text, "credsync_last_success_timestamp_seconds{"); there != (c.settled != 0) || there && gauge(t, d, "credsync_last_success_timestamp_seconds") != c.settled {
			t.Errorf("%s: settled:\n%s", name, text)
		}
	}
}

// An empty table of accounts must not remove what is there.
func TestManyAccountsThatAreGoneAreNotRemoved(t *testing.T) {
	all := head
	for i := range 20 {
		all += account(fmt.Sprint("a", i), `on_remove = "delete"`)
	}
	inWorld(t, all, func(t *testing.T, w *world) {
		d := w.start("runner", seldom)
		wait(5 * time.Minute)
		w.write(head + account("a0", `on_remove = "delete"`))
		wait(30 * time.Minute)
		for i := range 20 {
			if w.delivered(fmt.Sprint("a", i)) == "" {
				t.Fatalf("the target of a%d was removed", i)
			}
		}
		if !strings.Contains(w.lines.String(), "Many accounts would be removed") {
			t.Error("no notification is sent")
		}
		d.end()
	})
}
