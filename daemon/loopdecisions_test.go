package daemon

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/metrics"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/testkit/output"
	"github.com/hashicorp/go-hclog"
)

// listed are the accounts of a configuration, of which nothing but their addresses is
// asked here.
type listed []string

func (l listed) Addresses(*address.Shard) []string { return l }
func (l listed) PlanAccount(context.Context, string, bool) *engine.AccountPlan {
	panic("not asked for")
}
func (l listed) ApplyAccount(context.Context, *engine.AccountPlan) engine.AccountResult {
	panic("not asked for")
}
func (l listed) PlanRemoved(context.Context, *address.Shard) (*engine.Plan, error) {
	panic("not asked for")
}

// still is a daemon whose clock stands still, with its log.
func still(concurrency int) (*Daemon, *output.Buffer) {
	lines := &output.Buffer{}
	d := New(Options{
		Now: func() time.Time { return t0 }, CheckEvery: time.Hour, Settle: time.Minute, Concurrency: concurrency,
		Metrics: metrics.NewCollector("1", "go1"), Log: hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: lines}),
	})
	return d, lines
}

func (d *Daemon) uses(addresses ...string) {
	d.current = &generation{Loaded: &Loaded{Config: &config.Config{}, Engine: listed(addresses), Close: func() {}}}
}

func TestWhyADaemonIsNotReady(t *testing.T) {
	broken := diag.List{diag.Errorf("It is broken", "%s", "detail")}
	for name, tt := range map[string]struct {
		status  publishedStatus
		current bool
		want    string
	}{
		"at work":                                {publishedStatus{stateTried: true}, true, ""},
		"stopping":                               {publishedStatus{stateTried: true, stopping: true}, true, "stopping"},
		"being read":                             {publishedStatus{stateTried: true}, false, "being read"},
		"broken":                                 {publishedStatus{stateTried: true, configErr: broken}, false, "It is broken"},
		"broken, and the one before is at work":  {publishedStatus{stateTried: true, configErr: broken}, true, ""},
		"the state was not tried":                {publishedStatus{}, true, "state"},
		"the state cannot be read":               {publishedStatus{stateTried: true, stateErr: errors.New("it is sealed")}, true, "it is sealed"},
		"the state cannot be read, and stopping": {publishedStatus{stateTried: true, stopping: true, stateErr: errors.New("it is sealed")}, true, "stopping"},
	} {
		d, _ := still(4)
		d.status = tt.status
		if tt.current {
			d.uses()
		}
		if err := d.Ready(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, tt := range map[string]struct {
		status publishedStatus
		alive  bool
	}{
		"not begun":          {publishedStatus{}, true},
		"just now":           {publishedStatus{heartbeat: t0}, true},
		"at the limit":       {publishedStatus{heartbeat: t0.Add(-time.Minute)}, true},
		"after it":           {publishedStatus{heartbeat: t0.Add(-time.Minute - 1)}, false},
		"after it, stopping": {publishedStatus{heartbeat: t0.Add(-time.Minute - 1), stopping: true}, true},
	} {
		d, _ := still(4)
		d.status = tt.status
		if err := d.Alive(); (err == nil) != tt.alive {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A configuration is closed once: when it is no longer the current one, and the last of
// those who use it is done.
func TestAConfigurationIsClosedWhenNobodyUsesItAnyLonger(t *testing.T) {
	closed := 0
	begin := func() *Daemon {
		d, _ := still(4)
		d.uses()
		closed, d.current.Close = 0, func() { closed++ }
		return d
	}
	d := begin()
	_, done1 := d.useCurrent()
	_, done2 := d.useCurrent()
	done1()
	if closed != 0 {
		t.Error("it is closed while it is the current one and in use")
	}
	done2()
	if closed != 0 {
		t.Error("it is closed while it is the current one")
	}
	d.retire()
	if closed != 1 {
		t.Errorf("retired and unused, it is closed %d times", closed)
	}
	d = begin()
	_, done1 = d.useCurrent()
	_, done2 = d.useCurrent()
	d.replace(&generation{Loaded: &Loaded{Engine: listed{}, Close: func() { t.Error("the new one is closed") }}})
	if done1(); closed != 0 {
		t.Error("it is closed while somebody uses it")
	}
	if done2(); closed != 1 {
		t.Errorf("replaced and unused, it is closed %d times", closed)
	}
	d, _ = still(4)
	if g, done := d.useCurrent(); g != nil {
		t.Error("there is a current one before there is any")
	} else {
		done()
	}
	d.retire()
}

func TestWhatCanWaitGetsHalfOfTheWorkers(t *testing.T) {
	for _, tt := range []struct {
		concurrency, urgent, waiting int
		may                          [2]bool
	}{
		{4, 0, 0, [2]bool{true, true}}, {4, 0, 1, [2]bool{true, true}}, {4, 0, 2, [2]bool{true, false}},
		{4, 2, 1, [2]bool{true, true}},
		{4, 3, 1, [2]bool{false, false}}, {4, 4, 0, [2]bool{false, false}}, {4, 5, 0, [2]bool{false, false}},
		{1, 0, 0, [2]bool{true, true}}, {1, 0, 1, [2]bool{false, false}}, {3, 0, 1, [2]bool{true, false}},
		{2, 0, 1, [2]bool{true, false}},
	} {
		d, _ := still(tt.concurrency)
		l := newTimerLoop(d)
		l.busy = [2]int{tt.urgent, tt.waiting}
		if got := [2]bool{l.mayStart(urgent), l.mayStart(canWait)}; got != tt.may {
			t.Errorf("%+v: %v", tt, got)
		}
		l.queue.set("a", dueTimes{rotate: at(3)})
		l.queue.set("b", dueTimes{look: at(2)})
		want := 10 * time.Second
		switch {
		case tt.may[1]:
			want = 2 * time.Second
		case tt.may[0]:
			want = 3 * time.Second
		}
		if got := l.untilNext(); got != want {
			t.Errorf("%+v: it sleeps for %s, want %s", tt, got, want)
		}
	}
	d, _ := still(4)
	l := newTimerLoop(d)
	l.queue.set("a", dueTimes{look: at(-5)})
	if got := l.untilNext(); got != 0 {
		t.Errorf("what is overdue waits %s", got)
	}
}

func TestWhenTheNextSweepIs(t *testing.T) {
	down := errors.New("down")
	for name, tt := range map[string]struct {
		before  int
		result  jobResult
		settled time.Duration // from now
		want    time.Duration
		sweeps  int
	}{
		"done":                             {0, jobResult{job: job{act: true}}, 0, time.Hour, 0},
		"done, after failures":             {3, jobResult{job: job{act: true}}, 0, time.Hour, 0},
		"out of reach":                     {0, jobResult{job: job{act: true}, unreachable: down}, 0, time.Second, 1},
		"out of reach, again":              {1, jobResult{job: job{act: true}, unreachable: down}, 0, 2 * time.Second, 2},
		"out of reach, for long":           {40, jobResult{job: job{act: true}, unreachable: down}, 0, 30 * time.Second, 41},
		"another run was at work":          {0, jobResult{job: job{act: true}, held: true}, 0, 30 * time.Second, 0},
		"it was not settled then":          {0, jobResult{}, -time.Second, 0, 0},
		"it is not settled yet":            {0, jobResult{}, 20 * time.Second, 20 * time.Second, 0},
		"it changed while it was at work":  {0, jobResult{job: job{act: true}}, 20 * time.Second, 20 * time.Second, 0},
		"not settled for a long time":      {0, jobResult{}, 2 * time.Hour, time.Hour, 0},
		"out of reach, and to settle late": {0, jobResult{unreachable: down}, time.Minute, time.Second, 1},
	} {
		d, _ := still(4)
		l := newTimerLoop(d)
		l.sweeping, l.sweeps, l.settled = true, tt.before, t0.Add(tt.settled)
		l.busy[canWait] = 1
		tt.result.priority = canWait
		l.takeResult(tt.result)
		e := l.queue.entries[sweepEntry]
		if e == nil || !e.at[canWait].Equal(t0.Add(tt.want)) || l.sweeps != tt.sweeps || l.sweeping ||
			!l.lastSweep.Equal(t0) ||
			l.busy[canWait] != 0 {
			t.Errorf("%s: %+v, %d failures; want in %s, %d", name, e, l.sweeps, tt.want, tt.sweeps)
		}
	}
}

// When the state can be read again, what could not be is looked at soon, and the rest is
// left where it was.
func TestAccountsThatCouldNotBeReadAreLookedAtOnceTheStateIsBack(t *testing.T) {
	d, lines := still(4)
	l := newTimerLoop(d)
	for name, a := range map[string]*accountState{"unread": {unread: true}, "read": {}, "busy": {unread: true, running: true}} {
		l.accounts[name] = a
		l.queue.set(name, dueTimes{look: t0.Add(time.Hour)})
	}
	for i, down := range []error{errors.New("down"), errors.New("still down"), nil, nil} {
		l.takeSweepResult(jobResult{job: job{act: true}, unreachable: down}, t0)
		soon := l.queue.entries["unread"].at[canWait].Before(t0.Add(5*time.Second + 1))
		if soon != (i >= 2) {
			t.Errorf("after sweep %d: looked at %s", i, l.queue.entries["unread"].at[canWait])
		}
		if i == 2 {
			l.queue.set("unread", dueTimes{look: t0})
		}
	}
	for _, name := range []string{"read", "busy"} {
		if !l.queue.entries[name].at[canWait].Equal(t0.Add(time.Hour)) {
			t.Errorf("%s is looked at %s", name, l.queue.entries[name].at[canWait])
		}
	}
	if s := lines.String(); strings.Count(s, "[ERROR]") != 1 || strings.Count(s, "[INFO]") != 1 {
		t.Errorf("news are told once each: %s", s)
	}
}

func TestWhatBecomesOfAccountsWhenTheConfigurationChanges(t *testing.T) {
	d, _ := still(4)
	l := newTimerLoop(d)
	d.uses("kept", "changed", "new", "back")
	failed := history{failures: 3}
	for _, name := range []string{"kept", "changed", "gone"} {
		l.accounts[name] = &accountState{looked: true, history: failed}
		l.queue.set(name, dueTimes{rotate: t0.Add(2 * time.Hour), look: t0.Add(time.Hour)})
		d.status.plans[name] = &engine.AccountPlan{}
	}
	l.accounts["back"] = &accountState{}
	l.queue.set("back", dueTimes{look: t0.Add(time.Hour)})
	l.takeConfiguration(change{Changes: engine.Changes{Changed: []string{"changed", "gone"}, Added: []string{"new", "back"}}})
	for name, want := range map[string]time.Duration{"kept": time.Hour, "changed": 0, "back": time.Hour} {
		if e := l.queue.entries[name]; e == nil || !e.at[canWait].Equal(t0.Add(want)) {
			t.Errorf("%s is looked at %+v, want in %s", name, e, want)
		}
	}
	if l.accounts["kept"].history != failed || l.accounts["changed"].history == failed {
		t.Errorf("kept %+v, changed %+v", l.accounts["kept"], l.accounts["changed"])
	}
	if l.accounts["new"] == nil || l.queue.entries["new"] == nil || l.accounts["gone"] != nil || l.queue.entries["gone"] != nil {
		t.Errorf("accounts %v", l.accounts)
	}
	if d.status.plans["gone"] != nil || d.status.plans["kept"] == nil {
		t.Errorf("shown are %v", d.status.plans)
	}
	if !l.settled.Equal(t0.Add(d.Settle)) || !l.queue.entries[sweepEntry].at[canWait].Equal(t0) {
		t.Errorf("settled %s, the sweep is %+v", l.settled, l.queue.entries[sweepEntry])
	}
	// The same configuration again: nothing is put off or brought forward by it.
	l.settled = time.Time{}
	l.queue.set(sweepEntry, dueTimes{look: t0.Add(time.Hour)})
	l.takeConfiguration(change{})
	if !l.settled.IsZero() || !l.queue.entries["kept"].at[canWait].Equal(t0.Add(time.Hour)) {
		t.Errorf("settled %s, kept %+v", l.settled, l.queue.entries["kept"])
	}
	// Other files, though no account differs: all are looked at, spread over a while.
	l.queue.set(sweepEntry, dueTimes{look: t0.Add(time.Hour)})
	l.takeConfiguration(change{files: true})
	if e := l.queue.entries["kept"]; e.at[canWait].After(t0.Add(time.Minute)) || !l.settled.Equal(t0.Add(d.Settle)) ||
		l.queue.entries[sweepEntry].at[canWait].After(l.settled) {
		t.Errorf("kept %+v, settled %s, sweep %+v", e, l.settled, l.queue.entries[sweepEntry])
	}
	l.sweeping = true
	l.queue.remove(sweepEntry)
	l.takeConfiguration(change{files: true})
	if l.queue.entries[sweepEntry] != nil {
		t.Error("a second sweep begins beside the one at work")
	}
	d.current = nil
	l.takeConfiguration(change{files: true})
	if len(l.accounts) != 4 {
		t.Errorf("without a configuration, accounts are forgotten: %v", l.accounts)
	}
}

func TestOutcomesAreLoggedByWhatTheyMean(t *testing.T) {
	expires := t0.Add(time.Hour)
	for name, tt := range map[string]struct {
		outcome engine.Outcome
		plan    engine.AccountPlan
		next    time.Time
		known   bool
		has     []string
		lacks   string
	}{
		"issued": {engine.Outcome{Action: plan.Issue, Result: engine.Done},
			engine.AccountPlan{ExpiresAt: expires}, expires, false, []string{"[INFO]", "token issued", "expires_at=" + timestamp(expires)}, "next_try"},
		"never expires": {engine.Outcome{Action: plan.Issue, Result: engine.Done}, engine.AccountPlan{}, expires, false,
			[]string{"[INFO]"}, "expires_at"},
		"delivered": {engine.Outcome{Action: plan.Deliver, Result: engine.Done},
			engine.AccountPlan{ExpiresAt: expires}, expires, false, []string{"[INFO]", "token delivered"}, "expires_at"},
		"failed": {engine.Outcome{Action: plan.Refresh, Result: engine.Failed, Message: "no answer"},
			engine.AccountPlan{}, expires, false, []string{"[ERROR]", "no answer", "next_try=" + timestamp(expires)}, "token"},
		"failed, for ever": {engine.Outcome{Action: plan.Refresh, Result: engine.Failed, Message: "no answer"}, engine.AccountPlan{},
			time.Time{}, false, []string{"[ERROR]"}, "next_try"},
		"blocked": {engine.Outcome{Action: plan.BlockedAction, Result: engine.Blocked,
			Blocker: &plan.Block{Reason: plan.NeedsCode}}, engine.AccountPlan{}, time.Time{}, false, []string{"[WARN]", "needs_code"}, "[ERROR]"},
		"blocked, as is known": {engine.Outcome{Action: plan.BlockedAction, Result: engine.Blocked,
			Blocker: &plan.Block{Reason: plan.NeedsCode}}, engine.AccountPlan{}, time.Time{}, true, nil, "needs_code"},
		"nothing": {engine.Outcome{Action: plan.None, Result: engine.Done}, engine.AccountPlan{}, time.Time{},
			false, nil, "account"},
	} {
		d, lines := still(4)
		tt.outcome.Address = "account.x.a"
		d.logOutcome(engine.AccountResult{Outcome: &tt.outcome, Plan: &tt.plan}, tt.next, tt.known)
		s := lines.String()
		if len(tt.has) == 0 && s != "" || strings.Contains(s, tt.lacks) {
			t.Errorf("%s: %s", name, s)
		}
		for _, want := range tt.has {
			if !strings.Contains(s, want) {
				t.Errorf("%s: %q is not in %s", name, want, s)
			}
		}
	}
	d, lines := still(4)
	d.logDiagnostics(diag.List{diag.Errorf("An error", "%s", "x"), diag.Warningf("A warning", "%s", "y")})
	if s := lines.String(); !strings.Contains(s, "[ERROR] An error") || !strings.Contains(s, "[WARN]  A warning") {
		t.Error(s)
	}
}

func TestABlockIsKnownIfItIsTheSame(t *testing.T) {
	outcome := func() *engine.Outcome {
		return &engine.Outcome{
			Address: "a",
			Result:  engine.Blocked,
			Action:  plan.BlockedAction,
			Blocker: &plan.Block{Reason: plan.NeedsCode},
		}
	}
	for name, tt := range map[string]struct {
		before func(*engine.AccountPlan)
		after  func(*engine.Outcome)
		known  bool
	}{
		"the same":       {nil, nil, true},
		"another reason": {nil, func(o *engine.Outcome) { o.Blocker.Reason = plan.AccountLocked }, false},
		"another action": {func(p *engine.AccountPlan) { p.Action = plan.Deliver }, nil, false},
		"none before":    {func(p *engine.AccountPlan) { p.Blocker = nil }, nil, false},
		"failed now":     {nil, func(o *engine.Outcome) { o.Result = engine.Failed }, false},
		"never seen":     {nil, func(o *engine.Outcome) { o.Address = "b" }, false},
	} {
		d, _ := still(4)
		p := &engine.AccountPlan{
			Decision: plan.Decision{Action: plan.BlockedAction, Blocker: &plan.Block{Reason: plan.NeedsCode}},
		}
		o := outcome()
		if tt.before != nil {
			tt.before(p)
		}
		if tt.after != nil {
			tt.after(o)
		}
		d.status.plans["a"] = p
		if got := d.knownBlocked(o); got != tt.known {
			t.Errorf("%s: %t", name, got)
		}
	}
}
