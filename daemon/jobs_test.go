package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/address"
	"github.com/credsync/credsync/schema/diag"
)

// canned answers a worker's questions; without a plan the account has gone.
type canned struct {
	listed
	plan    *engine.AccountPlan
	result  engine.AccountResult
	removed *engine.Plan
	down    error
	applied *int
}

func (c canned) PlanAccount(context.Context, string, bool) *engine.AccountPlan { return c.plan }
func (c canned) ApplyAccount(context.Context, *engine.AccountPlan) engine.AccountResult {
	*c.applied++
	return c.result
}
func (c canned) PlanRemoved(context.Context, *address.Shard) (*engine.Plan, error) {
	return c.removed, c.down
}

func (d *Daemon) usesCanned(c canned) {
	d.current = &generation{Loaded: &Loaded{Config: &config.Config{}, Engine: c, Close: func() {}}}
}

// An account can go between the moment it is due and that at which a worker has it.
func TestAWorkerWhoseAccountHasGoneDoesNothing(t *testing.T) {
	for name, begin := range map[string]func(d *Daemon, applied *int) context.Context{
		"no configuration": func(*Daemon, *int) context.Context { return t.Context() },
		"no account":       func(d *Daemon, n *int) context.Context { d.usesCanned(canned{applied: n}); return t.Context() },
		"told to stop": func(d *Daemon, n *int) context.Context {
			d.usesCanned(canned{applied: n, plan: &engine.AccountPlan{}})
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		},
	} {
		d, _ := still(4)
		applied := 0
		ctx := begin(d, &applied)
		if f := d.runJob(ctx, job{address: "a", priority: urgent}); !f.gone || applied != 0 || f.address != "a" {
			t.Errorf("%s: %+v, applied %d times", name, f, applied)
		}
	}
	d, _ := still(4)
	if f := d.runJob(t.Context(), job{address: sweepEntry}); !f.gone {
		t.Errorf("a sweep without a configuration: %+v", f)
	}
}

func TestASweepTellsOnceWhatIsWrong(t *testing.T) {
	d, lines := still(4)
	applied := 0
	outcome := engine.Outcome{Address: "account.x.gone", Action: plan.Forget, Result: engine.Done}
	c := canned{
		applied: &applied, result: engine.AccountResult{Outcome: &outcome, Plan: &engine.AccountPlan{}},
		removed: &engine.Plan{Diagnostics: diag.List{diag.Warningf("A record is odd", "%s", "x")}, Accounts: []*engine.AccountPlan{{}}},
	}
	d.usesCanned(c)
	for _, act := range []bool{false, false, true} {
		if f := d.sweep(t.Context(), job{act: act}); f.gone || f.held || f.unreachable != nil ||
			applied != map[bool]int{true: 1}[act] {
			t.Errorf("act %t: %+v, applied %d times", act, f, applied)
		}
	}
	if s := lines.String(); strings.Count(s, "A record is odd") != 1 || strings.Count(s, "forgotten") != 1 {
		t.Error(s)
	}
	c.result = engine.AccountResult{HeldUntil: t0.Add(time.Minute)}
	d.usesCanned(c)
	if f := d.sweep(t.Context(), job{act: true}); !f.held {
		t.Errorf("another run is at work: %+v", f)
	}
	down := errors.New("down")
	c.down = down
	d.usesCanned(c)
	before := applied
	if f := d.sweep(t.Context(), job{act: true}); !errors.Is(f.unreachable, down) || applied != before {
		t.Errorf("out of reach: %+v", f)
	}
}

// What failed is tried at the earlier of the two times at which the account is due.
func TestTheNextTryIsTheEarlierOfTheTimes(t *testing.T) {
	for name, tt := range map[string]struct {
		next dueTimes
		want time.Time
	}{
		"looked at only":   {dueTimes{look: at(60)}, at(60)},
		"rotated sooner":   {dueTimes{look: at(60), rotate: at(30)}, at(30)},
		"looked at sooner": {dueTimes{look: at(60), rotate: at(90)}, at(60)},
	} {
		d, lines := still(4)
		p := &engine.AccountPlan{Decision: plan.Decision{Address: "account.x.a"}}
		d.report(
			jobResult{
				tended: engine.AccountResult{
					Plan:    p,
					Outcome: &engine.Outcome{Address: "account.x.a", Action: plan.Deliver, Result: engine.Failed},
				},
			},
			tt.next,
			t0,
		)
		if s := lines.String(); !strings.Contains(s, "next_try="+timestamp(tt.want)) ||
			d.status.plans["account.x.a"] != p {
			t.Errorf("%s: %s", name, s)
		}
	}
}

// While another run has the account, the pause is between a half and the whole of what
// grows, by account and process.
func TestAHeldAccountsPauseIsSpread(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for i := range 500 {
		p := &engine.AccountPlan{Decision: plan.Decision{Address: fmt.Sprint("account.x.", i)}}
		next, h := history{
			failures: 2,
		}.nextTimes(
			engine.AccountResult{Plan: p, HeldUntil: t0.Add(24 * time.Hour)},
			t0,
			24*time.Hour,
			"seed",
		)
		pause := next.look.Sub(t0)
		least, most = min(least, pause), max(most, pause)
		if h.held != 1 || h.failures != 2 || !next.rotate.IsZero() {
			t.Fatalf("%+v, %+v", h, next)
		}
	}
	if least < time.Second/2 || least > time.Second*6/10 || most > time.Second || most < time.Second*9/10 {
		t.Errorf("pauses from %s to %s, of a second", least, most)
	}
}
