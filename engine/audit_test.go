package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/internal/processid"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/state"
	"github.com/credsync/credsync/state/admin"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/google/go-cmp/cmp"
)

// auditor keeps events in memory, and fails where it is told to.
type auditor struct {
	mu     sync.Mutex
	events []audit.Event
	fail   func(audit.Event) error
	seen   func(audit.Event)
}

func (a *auditor) Record(ev audit.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.fail != nil {
		if err := a.fail(ev); err != nil {
			return err
		}
	}
	if a.seen != nil {
		a.seen(ev)
	}
	a.events = append(a.events, ev)
	return nil
}

// take returns what was recorded since the last call, as "action outcome" with
// the class or target where there is one.
func (a *auditor) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var lines []string
	for _, ev := range a.events {
		line := fmt.Sprintf("%s %s", ev.Action, ev.Outcome)
		for _, more := range []string{string(ev.Class), string(ev.Reason), ev.Sink, ev.Location} {
			if more != "" {
				line += " " + more
			}
		}
		lines = append(lines, line)
	}
	a.events = nil
	return lines
}

func (a *auditor) want(t *testing.T, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, a.take()); diff != "" {
		t.Errorf("the audit trail differs (-want +got):\n%s", diff)
	}
}

var errDiskFull = errors.New("the audit trail /var/log/audit.jsonl cannot be written: no space left on device")

// whole fails every event.
func whole(audit.Event) error { return errDiskFull }

// afterwards fails the events of what has happened.
func afterwards(ev audit.Event) error {
	if ev.Outcome == audit.Started {
		return nil
	}
	return errDiskFull
}

func newAuditedWorld(t *testing.T, hcl string) (*world, *auditor) {
	w, a := newWorld(t, hcl), &auditor{}
	w.audit = a
	return w, a
}

func TestWholeLifeIsInTheAuditTrail(t *testing.T) {
	w, a := newAuditedWorld(t, strings.Replace(oneAccount, `user     = "u"`, "user = \"u\"\n  on_remove = \"delete\"", 1))
	w.mustApply()
	a.want(t, "login started", "login succeeded", "verify succeeded", "deliver succeeded memory.main memory/a")
	w.mustApply()
	a.want(t, "verify succeeded")
	w.advance(29 * 24 * time.Hour)
	w.mustApply()
	a.want(t, "refresh started", "refresh succeeded", "verify succeeded", "deliver succeeded memory.main memory/a")

	w.up.revokeAll()
	w.mustApply()
	a.want(t, "verify failed credentials", "refresh started", "refresh failed credentials", "login started", "login succeeded",
		"verify succeeded", "deliver succeeded memory.main memory/a")

	w.sinks["main"].Remove("a")
	w.sinks["main"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	w.apply()
	a.want(t, "verify succeeded", "deliver failed unavailable memory.main memory/a")
	w.sinks["main"].Fail = nil
	w.mustApply()
	a.want(t, "verify succeeded", "deliver succeeded memory.main memory/a")

	w.hcl = strings.Split(oneAccount, "account")[0]
	w.mustApply()
	a.want(t, "delete started memory.main memory/a", "delete succeeded memory.main memory/a")
}

func TestTargetThatIsLetGoIsInTheAuditTrail(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount)
	w.mustApply()
	a.take()
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.mustApply()
	a.want(t, "forget succeeded memory.main memory/a")
}

func TestAuditTrailOfALoginWithACode(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount)
	w.up.secondFactor = true
	w.apply()
	a.want(t, "login started", "login failed human needs_code")
	w.begin()
	a.want(t, "request_code started", "request_code succeeded")
	w.finish(credential.NewSecret("wrong"))
	a.want(t, "enter_code started", "enter_code failed human needs_code")
	w.finish(rightCode)
	a.want(t, "enter_code started", "enter_code succeeded", "verify succeeded", "deliver succeeded memory.main memory/a")
}

func TestStaticTokenIsNoLogin(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount)
	w.up.static = true
	w.up.live["pw"] = true
	w.mustApply()
	a.want(t, "verify succeeded", "deliver succeeded memory.main memory/a")
}

func TestAuditEventsSayWhoDidWhatWhenAndWithWhichToken(t *testing.T) {
	w, a := newAuditedWorld(t, "credsync {\n  project = \"payments\"\n}\n"+oneAccount)
	w.mustApply()
	byAction := map[string]audit.Event{}
	for _, ev := range a.events {
		byAction[string(ev.Action)+" "+string(ev.Outcome)] = ev
		if ev.Project != "payments" || ev.Holder != "runner-1" || ev.Address != "account.fake.a" ||
			ev.Provider != "fake" ||
			!ev.Time.Equal(w.Now()) ||
			ev.ID == "" {
			t.Errorf("%+v", ev)
		}
	}
	started, done, verified, delivered := byAction["login started"], byAction["login succeeded"], byAction["verify succeeded"], byAction["deliver succeeded"]
	if started.ID != done.ID || verified.ID == done.ID {
		t.Error("the two events of the login cannot be told from others by their id")
	}
	if started.Token != "" || len(done.Token) != 32 || verified.Token != done.Token || delivered.Token != done.Token {
		t.Errorf("fingerprints %q %q %q %q", started.Token, done.Token, verified.Token, delivered.Token)
	}
}

func TestFingerprintsCannotBeComparedBetweenAccounts(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount+`
account "fake" "b" {
  user     = "u"
  password = "pw"
  deliver "memory" "main" { path = "b" }
}`)
	w.up.static = true
	w.up.live["pw"] = true
	w.mustApply()
	prints := map[string]string{}
	for _, ev := range a.events {
		prints[ev.Address] = ev.Token
	}
	if len(prints) != 2 || prints["account.fake.a"] == prints["account.fake.b"] {
		t.Errorf("one token in two accounts has the fingerprints %v", prints)
	}
}

// What can be put off is not done unrecorded.
func TestNothingIsBegunThatCannotBeRecorded(t *testing.T) {
	logins := func(w *world) int { return w.up.logins }
	cases := map[string]struct {
		before func(w *world)
		do     func(w *world) engine.Outcome
		count  func(w *world) int
	}{
		"login": {func(*world) {}, applyOne, logins},
		"refresh": {
			func(w *world) { w.mustApply(); w.advance(29 * 24 * time.Hour) },
			applyOne,
			func(w *world) int { return w.up.logins + w.up.refreshes },
		},
		"request a code": {
			func(w *world) { w.up.secondFactor = true; w.apply() },
			func(w *world) engine.Outcome { return w.begin().Outcome },
			func(w *world) int { return w.up.codes },
		},
		"enter a code": {
			func(w *world) { w.up.secondFactor = true; w.apply(); w.begin() },
			func(w *world) engine.Outcome { return w.finish(rightCode) },
			func(w *world) int { return w.up.n },
		},
		"delete": {
			func(w *world) { w.mustApply(); w.hcl = strings.Split(oneAccount, "account")[0] },
			applyOne,
			func(w *world) int { return w.sinks["main"].Calls(memorysink.Delete) },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w, a := newAuditedWorld(t, strings.Replace(oneAccount, `user     = "u"`, "user = \"u\"\n  on_remove = \"delete\"", 1))
			c.before(w)
			a.fail = whole
			before := c.count(w)
			o := c.do(w)
			if c.count(w) != before {
				t.Fatal("it was done though it could not be recorded")
			}
			if o.Logins+o.Refreshes != 0 {
				t.Errorf("%d logins and %d refreshes count as sent", o.Logins, o.Refreshes)
			}
			if o.Result != engine.Failed || !strings.Contains(o.Message, "t was not attempted, because it could not be recorded: "+errDiskFull.Error()) {
				t.Errorf("%s: %s", o.Result, o.Message)
			}
			a.fail = nil
			if o = c.do(w); o.Result == engine.Failed || c.count(w) == before {
				t.Errorf("once it could be recorded: %s: %s", o.Result, o.Message)
			}
		})
	}
}

func applyOne(w *world) engine.Outcome {
	s := w.apply()
	if len(s.Outcomes) != 1 {
		w.t.Fatalf("%+v", s.Outcomes)
	}
	return s.Outcomes[0]
}

// A token that was got is worth more than its line.
func TestTokenIsDeliveredThoughTheAuditTrailBroke(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount)
	a.fail = afterwards
	o := applyOne(w)
	if w.delivered("a") != "token-1" {
		t.Fatal("the token was not delivered")
	}
	if o.Result != engine.Failed ||
		o.Message != "The audit trail is not complete. "+strings.ToUpper(
			errDiskFull.Error()[:1],
		)+errDiskFull.Error()[1:]+"." ||
		len(o.Diagnostics) != 1 {
		t.Errorf("%s: %s %+v", o.Result, o.Message, o.Diagnostics)
	}
	a.fail = nil
	w.expect("a none current")
	if w.up.logins != 1 {
		t.Errorf("%d logins", w.up.logins)
	}
}

// Between an answer and its journal nothing is written that could hold it up.
func TestLoginIsRecordedOnlyAfterItsTokenIsJournaled(t *testing.T) {
	for _, action := range []audit.Action{audit.Login, audit.Refresh} {
		t.Run(string(action), func(t *testing.T) {
			w, a := newAuditedWorld(t, oneAccount)
			if action == audit.Refresh {
				w.mustApply()
				w.advance(29 * 24 * time.Hour)
			}
			saves, atStart, atEnd := 0, 0, 0
			w.sinks["state"].Lose = func(op string, _ sinks.Target) error {
				if op == memorysink.Write {
					saves++
				}
				return nil
			}
			a.seen = func(ev audit.Event) {
				switch {
				case ev.Action == action && ev.Outcome == audit.Started:
					atStart = saves
				case ev.Action == action:
					atEnd = saves
				}
			}
			w.mustApply()
			if atStart != 1 || atEnd != 2 {
				t.Errorf("recorded after %d and %d writes of the state, want after the lease and after the journal", atStart, atEnd)
			}
		})
	}
}

// What was rejected is remembered before it is recorded.
func TestRejectionIsRememberedThoughTheAuditTrailBroke(t *testing.T) {
	w, a := newAuditedWorld(t, strings.Replace(oneAccount, `"pw"`, `"wrong"`, 1))
	a.fail = afterwards
	w.apply()
	w.apply()
	if w.up.logins != 1 {
		t.Errorf("%d logins", w.up.logins)
	}
}

func TestPlanWarnsOnceThatItsVerificationsAreNotRecorded(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount+strings.NewReplacer(`"a"`, `"b"`).Replace(oneAccount[strings.Index(oneAccount, "account"):]))
	w.mustApply()
	a.fail = whole
	p := w.plan(engine.Request{})
	if len(p.Diagnostics) != 1 || p.Diagnostics.HasErrors() || !strings.Contains(p.Diagnostics[0].Detail, "no space left on device. Until this is fixed") {
		t.Errorf("%+v", p.Diagnostics)
	}
	w.expect("a none current", "b none current")
	if p := w.plan(engine.Request{Offline: true}); len(p.Diagnostics) != 0 {
		t.Errorf("offline: %+v", p.Diagnostics)
	}
}

func TestFailureIsRecordedWithItsClassAndStatus(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount)
	w.up.onVerify = only(1, refuse(failure.Server, "verify"))
	w.apply()
	last := a.events[len(a.events)-1]
	if last.Status != 401 || last.Class != "server" || last.Token == "" {
		t.Errorf("%+v", last)
	}
	a.want(t, "login started", "login succeeded", "verify failed server")
}

func TestVerifyIsInTheAuditTrailToo(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount)
	w.mustApply()
	a.take()
	if checks, diags := w.engine().Check(t.Context(), nil, nil); len(checks) != 1 || len(diags) != 0 {
		t.Fatalf("%+v %+v", checks, diags)
	}
	a.want(t, "verify succeeded")
	a.fail = whole
	checks, diags := w.engine().Check(t.Context(), []string{"fake.a"}, nil)
	if len(checks) != 1 || checks[0].Finding != engine.TokenValid || len(diags) != 1 || diags.HasErrors() {
		t.Errorf("%+v %+v", checks, diags)
	}
}

// What was sent is counted, by whichever command.
func TestLoginsAndRefreshesThatWereSentAreCounted(t *testing.T) {
	w := newWorld(t, oneAccount)
	if o := applyOne(w); o.Logins != 1 || o.Refreshes != 0 {
		t.Errorf("the login: %d logins, %d refreshes", o.Logins, o.Refreshes)
	}
	w.advance(29 * 24 * time.Hour)
	if o := applyOne(w); o.Logins != 0 || o.Refreshes != 1 {
		t.Errorf("the refresh: %d logins, %d refreshes", o.Logins, o.Refreshes)
	}
	w = newWorld(t, oneAccount)
	w.up.secondFactor = true
	if o := w.begin().Outcome; o.Logins != 1 {
		t.Errorf("the login command: %d logins", o.Logins)
	}
	w = newWorld(t, oneAccount)
	w.up.static = true
	w.up.live["pw"] = true
	if o := applyOne(w); o.Logins != 0 {
		t.Errorf("a static token: %d logins", o.Logins)
	}
}

func TestRestartsAreInTheAuditTrail(t *testing.T) {
	w, a := newAuditedWorld(t, restarting)
	w.sinks["main"].Fail = failing(memorysink.Restart, 1, sinks.ErrUnavailable)
	w.apply()
	if got := a.take(); got[len(got)-1] != "restart failed unavailable memory.main memory/a" {
		t.Errorf("%q", got)
	}
	w.sinks["main"].Fail = nil
	w.mustApply()
	var last audit.Event
	for _, ev := range a.events {
		if ev.Action == audit.Verify {
			last = ev
		}
	}
	if restarted := a.events[len(a.events)-1]; restarted.Action != audit.Restart || restarted.Token != last.Token ||
		restarted.Token == "" ||
		restarted.Host != "" {
		t.Errorf("%+v", restarted)
	}
	a.want(t, "verify succeeded", "restart succeeded memory.main memory/a")
}

// What a person does to the state is recorded before it is done, and where it
// cannot be it is not done.
func TestMendingTheStateIsInTheAuditTrail(t *testing.T) {
	remove := func(t *testing.T, r *admin.Records) error {
		f, err := r.Find(t.Context(), "fake.a")
		if err != nil {
			t.Fatal(err)
		}
		return r.Remove(t.Context(), f)
	}
	unlock := func(t *testing.T, r *admin.Records) error {
		f, err := r.Find(t.Context(), "fake.a")
		if err != nil {
			t.Fatal(err)
		}
		return r.Unlock(t.Context(), f)
	}
	for name, c := range map[string]struct {
		world func(*testing.T) *world
		do    func(*testing.T, *admin.Records) error
	}{
		"state_rm":     {func(t *testing.T) *world { w := newWorld(t, oneAccount); w.mustApply(); return w }, remove},
		"state_unlock": {leased, unlock},
	} {
		t.Run(name, func(t *testing.T) {
			w, a := c.world(t), &auditor{fail: whole}
			r := w.records(processid.Elsewhere)
			r.Audit, r.Holder = a, "laptop-1"
			writes := w.sinks["state"].Calls(memorysink.Write) + w.sinks["state"].Calls(memorysink.Delete)
			wantError(t, c.do(t, r), "it was not attempted, because it could not be recorded: "+errDiskFull.Error())
			if n := w.sinks["state"].Calls(memorysink.Write) + w.sinks["state"].Calls(memorysink.Delete); n != writes {
				t.Fatal("it was done though it could not be recorded")
			}
			a.fail = nil
			w.sinks["state"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
			if name == "state_rm" {
				w.sinks["state"].Fail = failing(memorysink.Delete, 1, sinks.ErrUnavailable)
			}
			wantError(t, c.do(t, r), "unavailable")
			a.want(t, name+" started", name+" failed unavailable")
			w.sinks["state"].Fail = nil
			a.fail = afterwards
			err := c.do(t, r)
			if !errors.Is(err, audit.ErrUnrecorded) {
				t.Errorf("%v", err)
			}
			wantError(t, err, "it was done, but the audit trail is not complete: "+errDiskFull.Error())
			if ev := a.events[0]; ev.Holder != "laptop-1" || ev.Address != "account.fake.a" || ev.Provider != "fake" || ev.Project != "default" || ev.Host != "" {
				t.Errorf("%+v", ev)
			}
		})
	}
}

// The trail says which token was forgotten, also of a record that is damaged.
func TestForgottenTokenIsNamedByItsFingerprint(t *testing.T) {
	w, a := newAuditedWorld(t, oneAccount)
	w.mustApply()
	got := a.events[1].Token
	r := w.records(processid.Elsewhere)
	r.Audit = a
	f, err := r.Find(t.Context(), "fake.a")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Remove(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if ev := a.events[len(a.events)-1]; ev.Token != got || got == "" || ev.Outcome != audit.Done {
		t.Errorf("%+v, want token %q", ev, got)
	}
	if err := r.Remove(t.Context(), &admin.Found{Address: `account.sagi.x["a.b"]`, Damage: state.ErrCorrupt}); err != nil {
		t.Fatal(err)
	}
	if ev := a.events[len(a.events)-1]; ev.Provider != "sagi" || ev.Token != "" {
		t.Errorf("%+v", ev)
	}
}

func TestRecoveryIsInTheAuditTrail(t *testing.T) {
	w, content := rescued(t)
	a := &auditor{fail: whole}
	w.audit = a
	wantError(t, w.recover(content), "it was not attempted, because it could not be recorded")
	a.fail = nil
	if err := w.recover(content); err != nil {
		t.Fatal(err)
	}
	if ev := a.events[0]; ev.Token == "" || ev.Host != "" || ev.ID != a.events[1].ID {
		t.Errorf("%+v", ev)
	}
	a.want(t, "state_recover started", "state_recover succeeded")
	wantError(t, w.recover(content), "already has this token")
	a.want(t)

	w, content = rescued(t)
	w.audit = &auditor{fail: afterwards}
	wantError(t, w.recover(content), "it was done, but the audit trail is not complete")
	wantError(t, w.recover(content), "already has this token")
}
