package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/google/go-cmp/cmp"
)

const oncall = `
notify "webhook" "oncall" {
  url = "https://hooks.test/secret"
}
`

// webhook takes messages in memory, and fails where it is told to.
type webhook struct {
	mu     sync.Mutex
	told   []config.Event
	to     []string
	tried  int
	fail   error
	during func()
}

func (h *webhook) send(_ context.Context, to *config.Notify, e config.Event) error {
	if h.during != nil {
		h.during()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tried++
	if h.fail != nil {
		return h.fail
	}
	h.told, h.to = append(h.told, e), append(h.to, to.Name)
	return nil
}

// want checks what was told since the last call, as "kind reason".
func (h *webhook) want(t *testing.T, lines ...string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	var got []string
	for _, e := range h.told {
		got = append(got, strings.TrimSpace(e.Kind+" "+e.Reason))
	}
	h.told = nil
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("what was told differs (-want +got):\n%s", diff)
	}
}

func newNotifiedWorld(t *testing.T, hcl string) (*world, *webhook) {
	w, h := newWorld(t, hcl), &webhook{}
	w.notify = h.send
	return w, h
}

var wrongPassword = strings.Replace(oneAccount, `"pw"`, `"wrong"`, 1)

// The scheduler comes every ten minutes for a week.
func TestThousandAppliesOfABlockedAccountTellOnce(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	for range 1000 {
		w.apply()
		w.advance(10 * time.Minute)
	}
	h.want(t, "blocked credentials_rejected")
	if n := w.sinks["state"].Calls(memorysink.Write); n != 4 {
		t.Errorf("the state was written %d times, want the lease, the block, and before and after telling", n)
	}
}

func TestRecoveryIsToldOnce(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	w.hcl = oneAccount + oncall
	h.told = nil
	for range 5 {
		w.mustApply()
		w.advance(10 * time.Minute)
	}
	h.want(t, "recovered blocked (credentials_rejected)")
	writes := w.sinks["state"].Calls(memorysink.Write)
	w.mustApply()
	if n := w.sinks["state"].Calls(memorysink.Write) - writes; n != 0 {
		t.Errorf("an apply with nothing to do wrote the state %d times", n)
	}
}

// An alert of an account that is no longer there would never end.
func TestAlertOfAnAccountThatIsRemovedEnds(t *testing.T) {
	const nothing = `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
`
	for name, c := range map[string]struct {
		before func(*world)
		config string
		want   []string
	}{
		"blocked":           {nil, oncall, []string{"recovered blocked (credentials_rejected)"}},
		"wanted by nobody":  {nil, strings.Replace(oncall, "url", "on  = [\"blocked\"]\n  url", 1), nil},
		"block gone too":    {nil, "", nil},
		"well again before": {func(w *world) { w.hcl = oneAccount + oncall; w.mustApply() }, oncall, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w, h := newNotifiedWorld(t, wrongPassword+oncall)
			w.apply()
			if c.before != nil {
				c.before(w)
			}
			h.told = nil
			w.hcl = nothing + c.config
			w.mustApply()
			w.mustApply()
			for _, e := range h.told {
				if e.Address != "account.fake.a" || e.Name != "a" || !strings.Contains(e.Summary, "account.fake.a was removed from the configuration") {
					t.Errorf("%+v", e)
				}
			}
			h.want(t, c.want...)
		})
	}
}

func TestTheDaemonEndsTheAlertOfAnAccountThatIsRemoved(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	sent := make(chan struct{}, 1)
	h.during = func() { sent <- struct{}{} }
	w.hcl = strings.Replace(oneAccount, `account "fake" "a"`, `account "fake" "b"`, 1) + oncall
	e := w.engine()
	p, err := e.PlanRemoved(t.Context(), nil)
	if err != nil || len(p.Accounts) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if r := e.ApplyAccount(t.Context(), p.Accounts[0]); r.Outcome == nil || r.Outcome.Result != engine.Done {
		t.Fatalf("%+v", r)
	}
	select {
	case <-sent:
	case <-time.After(10 * time.Second):
		t.Error("nothing was sent")
	}
}

func TestAnAlertOfARemovedAccountThatCannotBeEndedIsReported(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	w.hcl = strings.Replace(oneAccount, `account "fake" "a"`, `account "fake" "b"`, 1) + oncall
	h.fail = errors.New("it answered HTTP 503")
	s := w.apply()
	if len(s.Diagnostics) != 1 || !strings.Contains(s.Diagnostics[0].Detail, "the removal of account.fake.a: it answered HTTP 503. No later run reports it: close its alert by hand.") {
		t.Errorf("%+v", s.Diagnostics)
	}
}

// An alert under a name that nobody has any more would never end.
func TestAlertOfAnAccountThatIsMovedGoesAlong(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	h.want(t, "blocked credentials_rejected")
	w.hcl = strings.Replace(w.hcl, `"fake" "a"`, `"fake" "b"`, 1) + "\nmoved {\n  from = account.fake.a\n  to = account.fake.b\n}\n"
	w.apply()
	h.mu.Lock()
	if len(h.told) != 1 || h.told[0].Address != "account.fake.a" || h.told[0].Name != "a" || !strings.Contains(h.told[0].Summary, "account.fake.a is now account.fake.b") {
		t.Errorf("%+v", h.told)
	}
	h.mu.Unlock()
	h.want(t, "recovered blocked (credentials_rejected)")
	w.advance(10 * time.Minute)
	w.apply()
	h.mu.Lock()
	if len(h.told) != 1 || h.told[0].Address != "account.fake.b" {
		t.Errorf("%+v", h.told)
	}
	h.mu.Unlock()
	h.want(t, "blocked credentials_rejected")
	w.apply()
	h.want(t)
}

func TestAccountThatIsWellIsNeverSpokenOf(t *testing.T) {
	w, h := newNotifiedWorld(t, oneAccount+oncall)
	w.mustApply()
	writes := w.sinks["state"].Calls(memorysink.Write)
	w.mustApply()
	h.want(t)
	if n := w.sinks["state"].Calls(memorysink.Write) - writes; n != 0 || h.tried != 0 {
		t.Errorf("%d writes, %d tries", n, h.tried)
	}
}

func TestFailuresAreToldAfterSomeInARow(t *testing.T) {
	w, h := newNotifiedWorld(t, oneAccount+oncall)
	outage := refuse(failure.Server, "log in")
	w.up.onLogin = only(2, outage)
	w.apply()
	w.apply()
	w.mustApply()
	h.want(t)

	w.up.revokeAll()
	w.up.onLogin = only(1000, outage)
	for range 2 {
		w.apply()
		w.advance(10 * time.Minute)
	}
	h.want(t)
	for range 20 {
		w.apply()
		w.advance(10 * time.Minute)
	}
	if e := h.told[0]; e.Failures != 3 || !strings.Contains(e.Summary, "account.fake.a has failed 3 times in a row: The login failed") {
		t.Errorf("%+v", e)
	}
	h.want(t, "failing server")
	w.up.onLogin = nil
	w.mustApply()
	h.want(t, "recovered failing")
}

func TestBlockThatTurnsIntoAnotherIsToldAgain(t *testing.T) {
	w, h := newNotifiedWorld(t, oneAccount+oncall)
	w.up.onLogin = func() error {
		return &failure.Error{Class: failure.Human, Reason: failure.AccountLocked, Op: "log in"}
	}
	w.apply()
	w.hcl = wrongPassword + oncall
	w.up.onLogin = nil
	w.apply()
	w.apply()
	h.want(t, "blocked account_locked", "blocked credentials_rejected")
}

// An outage says nothing of whether what was told before is still so.
func TestOutageDoesNotLookLikeARecovery(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	h.want(t, "blocked credentials_rejected")
	w.sinks["main"].Fail = failing(memorysink.Stat, 2, sinks.ErrUnavailable)
	w.apply()
	w.apply()
	w.apply()
	h.want(t)
}

func TestBlocksAreToldOnlyWhatTheyAskFor(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+`
notify "webhook" "failures" {
  url            = "https://hooks.test/1"
  on             = ["failing", "recovered"]
  after_failures = 1
}
notify "webhook" "blocks" {
  url = "https://hooks.test/2"
  on  = ["blocked"]
}`)
	w.apply()
	if diff := cmp.Diff([]string{"webhook.blocks"}, h.to); diff != "" {
		t.Error(diff)
	}
	h.want(t, "blocked credentials_rejected")
	w.hcl = strings.Replace(w.hcl, `"wrong"`, `"pw"`, 1)
	w.mustApply()
	h.want(t)
	w.sinks["main"].Remove("a")
	w.sinks["main"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	w.apply()
	w.mustApply()
	h.want(t, "failing unavailable", "recovered failing")
}

func TestUnreachableWebhookHoldsUpNothingAndIsTriedAgain(t *testing.T) {
	w, h := newNotifiedWorld(
		t,
		wrongPassword+oncall+strings.NewReplacer(`"a"`, `"b"`).
			Replace(oneAccount[strings.Index(oneAccount, "account"):]),
	)
	h.fail = errors.New("the connection was refused")
	s := w.apply()
	if w.delivered("b") == "" || s.Count(engine.Failed) != 0 {
		t.Errorf("%+v", s.Outcomes)
	}
	if len(s.Diagnostics) != 1 || s.Diagnostics.HasErrors() || s.Diagnostics[0].Detail != "notify.webhook.oncall could not report account.fake.a: the connection was refused. The next run tries again." {
		t.Errorf("%+v", s.Diagnostics)
	}
	w.advance(10 * time.Minute)
	w.apply()
	h.fail = nil
	w.advance(10 * time.Minute)
	w.apply()
	w.apply()
	h.want(t, "blocked credentials_rejected")
	if h.tried != 3 {
		t.Errorf("tried %d times", h.tried)
	}
}

// What one message fails for, a hundred fail for.
func TestUnreachableWebhookIsNotTriedForEachAccount(t *testing.T) {
	var hcl strings.Builder
	hcl.WriteString(strings.Split(oneAccount, "account")[0] + oncall)
	for i := range 100 {
		fmt.Fprintf(&hcl, "account \"fake\" \"a%d\" {\n  user = \"u%d\"\n  password = \"wrong\"\n}\n", i, i)
	}
	w, h := newNotifiedWorld(t, hcl.String())
	h.fail = errors.New("no answer within 10s")
	s := w.apply()
	if h.tried > 8 || len(s.Diagnostics) != 1 || s.Count(engine.Blocked) != 100 {
		t.Errorf("tried %d times, %+v", h.tried, s.Diagnostics)
	}
	h.fail = nil
	w.advance(10 * time.Minute)
	w.apply()
	if len(h.told) != 100 {
		t.Errorf("told %d times", len(h.told))
	}
}

// Several replicas find the same account blocked at the same time.
func TestRunnersTellOnceBetweenThem(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.frozen = true
	var wg sync.WaitGroup
	for i := range 8 {
		w.holder = fmt.Sprint("runner-", i)
		e := w.engine()
		wg.Go(func() {
			for range 3 {
				e.Apply(t.Context(), e.Plan(t.Context(), engine.Request{}), ignore{})
			}
		})
	}
	wg.Wait()
	h.want(t, "blocked credentials_rejected")
}

// A run that was killed while it was telling is not waited for for ever.
func TestNoticeOfAKilledRunIsSentByALaterOne(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	h.during = func() {
		h.during = nil
		// From here on the first run reaches nothing: it is as good as dead.
		w.sinks["state"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	}
	w.apply()
	h.want(t, "blocked credentials_rejected")
	w.sinks["state"].Fail = nil
	w.apply()
	h.want(t)
	w.advance(3 * time.Minute)
	w.apply()
	w.apply()
	h.want(t, "blocked credentials_rejected")
}

// What cannot be remembered would be told at each run.
func TestNobodyIsToldWhatCannotBeRemembered(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	h.told = nil
	w.hcl = oneAccount + oncall
	w.sinks["state"].Fail = failing(memorysink.Write, 1000000, sinks.ErrDenied)
	for range 3 {
		w.apply()
	}
	w.sinks["state"].Fail = failing(memorysink.Read, 1000000, sinks.ErrUnavailable)
	for range 3 {
		w.apply()
	}
	h.want(t)
}

// A run that holds the lease would believe that it had lost it.
func TestRecordIsNotWrittenUnderTheLeaseOfAnother(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword)
	w.apply()
	w.hcl += oncall
	store := state.NewStore(w.sinks["state"], "default", func(name string) (sinks.Target, error) {
		return memorysink.Spec(nil).Record(w.config().State.Sink.Values, w.config().State.Values, name)
	})
	snap, err := store.Load(t.Context(), "account.fake.a")
	if err != nil {
		t.Fatal(err)
	}
	snap.Record.Lease = &state.Lease{Holder: "another", ExpiresAt: w.Now().Add(time.Minute)}
	if _, err := store.Save(t.Context(), snap.Record, snap.Version); err != nil {
		t.Fatal(err)
	}
	writes := w.sinks["state"].Calls(memorysink.Write)
	w.apply()
	h.want(t)
	if n := w.sinks["state"].Calls(memorysink.Write) - writes; n != 0 {
		t.Errorf("%d writes", n)
	}
	w.advance(2 * time.Minute)
	w.apply()
	h.want(t, "blocked credentials_rejected")
}

func TestPlanTellsNobody(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.plan(engine.Request{})
	e := w.engine()
	e.Authenticate(t.Context(), e.Plan(t.Context(), engine.Request{}), ignore{})
	h.want(t)
	w.apply()
	h.want(t, "blocked credentials_rejected")
}

func TestRunThatWasStoppedIsNoFailure(t *testing.T) {
	w, h := newNotifiedWorld(t, oneAccount+strings.Replace(oncall, "url ", "after_failures = 1\n  url ", 1))
	ctx, cancel := context.WithCancel(t.Context())
	w.up.onLogin = func() error { cancel(); return refuse(failure.Server, "log in") }
	w.applyWith(ctx, engine.Request{})
	h.want(t)
	w.up.onLogin = nil
	w.mustApply()
	h.want(t)
}

func TestDisabledAccountHasNotRecovered(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	h.told = nil
	w.hcl = strings.Replace(w.hcl, `user     = "u"`, "user = \"u\"\n  enabled = false", 1)
	w.apply()
	h.want(t)
}

func TestLoginWithTheCodeTellsOfTheRecovery(t *testing.T) {
	w, h := newNotifiedWorld(t, oneAccount+oncall)
	w.up.secondFactor = true
	w.apply()
	w.begin()
	h.want(t, "blocked needs_code")
	w.finish(rightCode)
	h.want(t, "recovered blocked (needs_code)")
}

func TestWhatEndsSoonIsToldOnceForEach(t *testing.T) {
	w, h := newNotifiedWorld(t, oneAccount+oncall)
	certificate := func(end time.Time) {
		w.up.clocks = []providers.Clock{
			{Name: providers.ClientCertificate, At: end, Human: true},
			{Name: providers.StaticToken, At: end.AddDate(1, 0, 0), Human: true},
		}
	}
	first := w.Now().AddDate(0, 0, 40)
	certificate(first)
	w.mustApply()
	h.want(t)
	w.advance(11 * 24 * time.Hour)
	for range 10 {
		w.mustApply()
		w.advance(time.Hour)
	}
	if len(h.told) == 1 && (!h.told[0].Deadline.Equal(first) || h.told[0].Message != "The client certificate must be replaced by 2026-04-10, in 29d.") {
		t.Errorf("%+v", h.told[0])
	}
	h.want(t, "expiring client_certificate")

	// One trouble does not hide another, and the end of one not that of the other.
	w.hcl = wrongPassword + oncall
	w.apply()
	w.hcl = oneAccount + oncall
	w.mustApply()
	h.want(t, "blocked credentials_rejected", "recovered blocked (credentials_rejected)")

	certificate(w.Now().AddDate(0, 0, 20))
	w.mustApply()
	h.want(t, "expiring client_certificate")
	certificate(w.Now().AddDate(1, 0, 0))
	w.mustApply()
	w.mustApply()
	h.want(t, "recovered expiring (client_certificate 2026-04-01T22:00:00Z)")
}

func TestNoticesOfABlockThatIsGoneAreForgotten(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	w.apply()
	h.told = nil
	w.hcl = wrongPassword + strings.Replace(oncall, `"oncall"`, `"other"`, 1)
	w.apply()
	h.want(t, "blocked credentials_rejected")
	w.hcl = wrongPassword + oncall
	w.apply()
	h.want(t, "blocked credentials_rejected")
}

// A daemon goes on while people are told.
func TestTendingDoesNotWaitForTheWebhook(t *testing.T) {
	w, h := newNotifiedWorld(t, wrongPassword+oncall)
	release, told := make(chan struct{}), make(chan struct{}, 8)
	h.during = func() { <-release; told <- struct{}{} }
	e := w.engine()
	for range 3 {
		if tended := e.ApplyAccount(t.Context(), e.PlanAccount(t.Context(), "account.fake.a", false)); tended.Outcome == nil ||
			tended.Outcome.Result != engine.Blocked {
			t.Fatalf("%+v", tended.Outcome)
		}
	}
	close(release)
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told")
	}
	// What was claimed in between is not sent a second time.
	w.advance(time.Second)
	e.ApplyAccount(t.Context(), e.PlanAccount(t.Context(), "account.fake.a", false))
	if len(told) != 0 {
		t.Error("told twice")
	}
}
