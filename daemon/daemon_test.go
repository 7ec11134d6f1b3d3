package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// seldom compares the files seldom, for tests of many hours.
func seldom(o *Options) { o.Poll = time.Minute }

func TestTokensAreReplacedWhenTheyAreDueAndNotBefore(t *testing.T) {
	hcl := head
	lifetimes := []string{"5s", "40s", "15m", "1h", "3h"}
	for i := range 10 {
		name := fmt.Sprint("a", i)
		hcl += account(name, fmt.Sprintf("name = %q\n  lifetime = %q", name, lifetimes[i%5]))
	}
	inWorld(t, hcl, func(t *testing.T, w *world) {
		var mu sync.Mutex
		ends, gaps, most := map[string]time.Time{}, map[string]int{}, map[string]time.Duration{}
		w.up.issued = func(name string, issued, expires time.Time) {
			mu.Lock()
			defer mu.Unlock()
			if end, known := ends[name]; known {
				if issued.After(end) {
					gaps[name]++
				}
				most[name] = max(most[name], end.Sub(issued))
			}
			ends[name] = expires
		}
		d := w.start("runner", seldom)
		const hours = 2
		wait(hours * time.Hour)
		if late := d.end(); late > time.Second {
			t.Errorf("an idle daemon takes %s to stop", late)
		}
		if len(gaps) > 0 {
			t.Errorf("accounts were without a valid token: %v", gaps)
		}
		for i := range 10 {
			lifetime, _ := time.ParseDuration(lifetimes[i%5])
			name := fmt.Sprint("a", i)
			// The window is a third of the lifetime, or 15m, and the jitter
			// brings it forward by a tenth at most.
			window := min(15*time.Minute, lifetime)
			if window == lifetime {
				window = lifetime / 3
			}
			if most[name] > window*11/10+time.Second {
				t.Errorf("%s of %s was replaced %s before its end", name, lifetime, most[name])
			}
			if n := w.up.of(name); n > int(hours*time.Hour/(lifetime-window*11/10))+2 {
				t.Errorf("%s: %d logins", name, n)
			}
		}
		histogram := gathered(t, d.Daemon, "credsync_rotation_delay_seconds")
		if within := bucket(histogram, 1); within != histogram.GetHistogram().GetSampleCount() {
			t.Errorf("%d of %d rotations began within a second of being due", within, histogram.GetHistogram().GetSampleCount())
		}
	})
}

// While nothing is due nobody is asked anything but at the checks.
func TestAnIdleDaemonDoesNotPoll(t *testing.T) {
	inWorld(t, head+account("a", `lifetime = "100h"`), func(t *testing.T, w *world) {
		d := w.start("runner", seldom)
		wait(time.Minute)
		before, verified := w.sinks["state"].Calls(memorysink.Read), w.up.verified()
		const checks = 18
		wait(checks * DefaultCheckEvery)
		d.end()
		// A check is one read of the state and one verification.
		if n := w.up.verified() - verified; n < checks-1 || n > checks+1 {
			t.Errorf("%d verifications in %d intervals", n, checks)
		}
		if n := w.sinks["state"].Calls(memorysink.Read) - before; n > checks+1 {
			t.Errorf("%d reads of the state in %d intervals", n, checks)
		}
	})
}

// Half of the accounts hang whenever their tokens are verified. The others are
// rotated in time all the same.
func TestAnUpstreamThatHangsHoldsNobodyBack(t *testing.T) {
	hcl := head
	for i := range 20 {
		hcl += account(fmt.Sprint("slow", i), `lifetime = "100h"`+"\n  password = \"hangs\"")
	}
	hcl = strings.ReplaceAll(hcl, "  password = \"pw\"\n", "")
	hcl += account("quick", `name = "quick"`+"\n  lifetime = \"10s\"")
	inWorld(t, hcl, func(t *testing.T, w *world) {
		w.apply()
		w.up.onVerify = func(ctx context.Context, password string) error {
			if password == "hangs" {
				return hang(time.Hour)(ctx, password)
			}
			return nil
		}
		d := w.start("runner", func(o *Options) { o.Concurrency, o.CheckEvery = 4, time.Minute })
		wait(10 * time.Minute)
		histogram := gathered(t, d.Daemon, "credsync_rotation_delay_seconds")
		if n, within := histogram.GetHistogram().GetSampleCount(), bucket(histogram, 1); n < 80 || within != n {
			t.Errorf("%d of %d rotations began within a second of being due", within, n)
		}
		if took := d.end(); took > 30*time.Second {
			t.Errorf("stopping took %s", took)
		}
	})
}

func TestRejectedCredentialsAreNotTriedAgain(t *testing.T) {
	inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
		w.up.answerLogins(func(context.Context, string) error { return refuse(failure.Credentials, "log in") })
		d := w.start("runner", seldom)
		wait(24 * time.Hour)
		w.expect(1)
		if n := strings.Count(w.lines.String(), "needs a human"); n != 1 {
			t.Errorf("the log says %d times that needs a human", n)
		}
		if err := d.Ready(); err != nil {
			t.Errorf("an account that needs a human makes the daemon unready: %v", err)
		}
		// Somebody has corrected them at the upstream, and says so.
		w.up.answerLogins(nil)
		w.apply("fake.a")
		w.expect(2)
		wait(2 * DefaultCheckEvery)
		w.expect(2)
		wait(time.Hour)
		if w.delivered("a") == "" || w.up.total() < 3 {
			t.Errorf("%q after %d logins", w.delivered("a"), w.up.total())
		}
		d.end()
	})
}

func TestFailuresAreRetriedWithPauses(t *testing.T) {
	inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
		w.up.answerLogins(func(context.Context, string) error { return refuse(failure.Retryable, "log in") })
		d := w.start("runner")
		wait(time.Hour)
		if n := w.up.total(); n < 60 || n > 90 {
			t.Errorf("%d logins in an hour in which the upstream was down", n)
		}
		w.up.answerLogins(nil)
		wait(passingPause)
		if w.delivered("a") == "" {
			t.Errorf("no token a minute after the upstream is back")
		}
		d.end()
	})
}

func TestTheStateMayBeDownAtTheStart(t *testing.T) {
	inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
		var mu sync.Mutex
		down := true
		w.sinks["state"].Fail = func(op string, target sinks.Target) error {
			mu.Lock()
			defer mu.Unlock()
			if down {
				return fmt.Errorf("%s %s: %w", op, target.Location, sinks.ErrUnavailable)
			}
			return nil
		}
		d := w.start("runner")
		wait(20 * time.Minute)
		w.expect(0)
		if err := d.Ready(); err == nil || !strings.Contains(err.Error(), "the state cannot be read") {
			t.Errorf("ready says %v", err)
		}
		if err := d.Alive(); err != nil {
			t.Error(err)
		}
		if n := w.sinks["state"].Calls(memorysink.List) + w.sinks["state"].Calls(memorysink.Read); n > 200 {
			t.Errorf("a state that is down was asked %d times in 20 minutes", n)
		}
		mu.Lock()
		down = false
		mu.Unlock()
		wait(sweepLongest + recoverySpread)
		if err := d.Ready(); err != nil {
			t.Error(err)
		}
		w.expect(1)
		d.end()
	})
}

func TestReloadSaysWhatChangedAndKeepsTheOldOneWhereTheNewOneIsBroken(t *testing.T) {
	a, b, c := account("a", ""), account("b", ""), account("c", "")
	inWorld(t, head+a+b, func(t *testing.T, w *world) {
		d := w.start("runner")
		wait(time.Minute)
		w.expect(2)
		w.write(head + a + "oops {")
		wait(5 * time.Second)
		if !strings.Contains(w.lines.String(), "keeping the previous one") || !strings.Contains(w.lines.String(), "main.hcl:") {
			t.Error("the log says nothing of the broken configuration, or not where")
		}
		if v := gathered(t, d.Daemon, "credsync_config_last_reload_successful").GetGauge().GetValue(); v != 0 {
			t.Errorf("reload successful: %v", v)
		}
		wait(time.Hour)
		w.expect(4) // both have been rotated meanwhile
		if n := strings.Count(w.lines.String(), "keeping the previous one"); n != 1 {
			t.Errorf("the broken configuration was reported %d times", n)
		}
		w.write(head + a + strings.Replace(c, "path = \"c\"", "path = \"elsewhere\"", 1) + strings.Replace(b, `"pw"`, `"pw2"`, 1))
		wait(5 * time.Second)
		if !strings.Contains(w.lines.String(), `added=["account.fake.c"] changed=["account.fake.b"]`) {
			t.Error("the log does not say what changed")
		}
		w.expect(6)
		if w.delivered("elsewhere") == "" {
			t.Error("the new account has no token")
		}
		if v := gathered(t, d.Daemon, "credsync_config_last_reload_successful").GetGauge().GetValue(); v != 1 {
			t.Errorf("reload successful: %v", v)
		}
		d.end()
	})
}

func TestWhatIsMissingForAMomentIsNotRemoved(t *testing.T) {
	a, b := account("a", ""), account("b", `on_remove = "delete"`)
	inWorld(t, head+a+b, func(t *testing.T, w *world) {
		d := w.start("runner", func(o *Options) { o.CheckEvery = 10 * time.Second })
		wait(5 * time.Minute)
		token := w.delivered("b")
		w.write(head + a)
		wait(DefaultSettle / 2)
		if families := gatheredAll(t, d.Daemon); strings.Contains(families, "account.fake.b") {
			t.Error("the metrics still have an account that is gone")
		}
		w.write(head + a + b)
		wait(5 * time.Minute)
		if w.delivered("b") != token {
			t.Fatal("an account that was missing for half a minute lost its target")
		}
		w.write(head + a)
		wait(DefaultSettle + 5*time.Second)
		if _, there := w.sinks["main"].Get("b"); there {
			t.Error("the target of an account that is gone is still there")
		}
		if !strings.Contains(w.lines.String(), "deleted: address=account.fake.b") {
			t.Error("the log does not say so")
		}
		w.expect(2)
		d.end()
	})
}

func TestReplicasMakeOneLoginPerRotation(t *testing.T) {
	hcl := head
	for i := range 10 {
		hcl += account(fmt.Sprint("a", i), "")
	}
	inWorld(t, hcl, func(t *testing.T, w *world) {
		w.up.onLogin = func(context.Context, string) error {
			time.Sleep(2 * time.Second)
			return nil
		}
		all := []*running{w.start("one"), w.start("two"), w.start("three")}
		wait(10 * time.Minute)
		w.expect(10)
		wait(40 * time.Minute)
		w.expect(20)
		for _, d := range all {
			d.end()
		}
	})
}

// A replica is killed in the middle of a login: its lease stays for two minutes.
func TestAnotherReplicaTakesOverFromAKilledOne(t *testing.T) {
	inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
		ctx, kill := context.WithCancel(t.Context())
		w.up.onLogin = func(context.Context, string) error {
			kill()
			w.sinks["state"].Fail = func(string, sinks.Target) error { return sinks.ErrUnavailable }
			return errors.New("killed")
		}
		_, e, _ := w.load(ctx, "killed")
		e.ApplyAccount(ctx, e.PlanAccount(ctx, "account.fake.a", false))
		w.sinks["state"].Fail, w.up.onLogin = nil, nil
		d := w.start("runner")
		wait(3 * time.Minute)
		if w.delivered("a") == "" {
			t.Error("there is no token three minutes after the other one was killed")
		}
		d.end()
	})
}

func TestStoppingFinishesWhatIsUnderWay(t *testing.T) {
	inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
		w.up.onLogin = func(context.Context, string) error {
			time.Sleep(5 * time.Second)
			return nil
		}
		d := w.start("runner")
		wait(time.Second)
		took := d.end()
		if w.delivered("a") != "token-1" {
			t.Errorf("the token of the login that was under way is not delivered: %q", w.delivered("a"))
		}
		if took > 10*time.Second {
			t.Errorf("stopping took %s", took)
		}
		w.apply()
		w.expect(1)
	})
}

func TestAChangedPasswordIsReadBeforeALogin(t *testing.T) {
	data := "data \"memory\" \"in\" {\n  sink = \"main\"\n  path = \"in\"\n}\n"
	hcl := head + data + strings.Replace(account("a", ""), `"pw"`, "data.memory.in.password", 1)
	inWorld(t, hcl, func(t *testing.T, w *world) {
		password := func(p string) {
			w.sinks["main"].Put("in", map[string]credential.Secret{"password": credential.NewSecret(p)})
		}
		password("old")
		var wanted atomic.Value
		wanted.Store("old")
		var rejected atomic.Int32
		w.up.onLogin = func(_ context.Context, p string) error {
			if p != wanted.Load() {
				rejected.Add(1)
				return refuse(failure.Credentials, "log in")
			}
			return nil
		}
		d := w.start("runner", func(o *Options) { o.CheckEvery = 24 * time.Hour })
		wait(40 * time.Minute)
		w.expect(1)
		// Between two readings the password is changed at both places.
		password("new")
		wanted.Store("new")
		wait(10 * time.Minute)
		w.expect(2)
		if n := rejected.Load(); n > 0 {
			t.Errorf("%d logins with the old password", n)
		}
		// It is also seen without a rotation, at the check's pace.
		d.end()
		d = w.start("runner")
		wait(5 * time.Minute)
		password("newer")
		wanted.Store("newer")
		wait(DefaultCheckEvery + time.Minute)
		w.expect(3)
		d.end()
	})
}

func TestInputsMayBeOutOfReachAtTheStart(t *testing.T) {
	data := "data \"memory\" \"in\" {\n  sink = \"main\"\n  path = \"in\"\n}\n"
	hcl := head + data + strings.Replace(account("a", ""), `"pw"`, "data.memory.in.password", 1)
	inWorld(t, hcl, func(t *testing.T, w *world) {
		d := w.start("runner")
		wait(10 * time.Minute)
		if err := d.Ready(); err == nil || !strings.Contains(err.Error(), "in") {
			t.Errorf("ready says %v", err)
		}
		if w.readings() > 40 {
			t.Errorf("%d readings in ten minutes", w.readings())
		}
		w.sinks["main"].Put("in", map[string]credential.Secret{"password": credential.NewSecret("pw")})
		wait(loadAgainLongest + 5*time.Second)
		w.expect(1)
		d.end()
	})
}

func TestABrokenConfigurationAtTheStartEndsTheDaemon(t *testing.T) {
	inWorld(t, "oops {", func(t *testing.T, w *world) {
		d := w.start("runner")
		<-d.ended
		if !d.diags.HasErrors() {
			t.Error("there is no error")
		}
	})
}

func TestHangupReadsTheConfigurationAnew(t *testing.T) {
	inWorld(t, head+account("a", ""), func(t *testing.T, w *world) {
		hangup := make(chan os.Signal, 1)
		d := w.start("runner", func(o *Options) { o.Hangup = hangup })
		wait(5 * time.Second)
		loads := w.readings()
		hangup <- os.Interrupt
		synctest.Wait()
		if w.readings() != loads+1 || !strings.Contains(w.lines.String(), "nothing has changed: cause=SIGHUP") {
			t.Errorf("%d readings, then %d", loads, w.readings())
		}
		d.end()
	})
}

func TestFilesThatAreReadByExpressionsAreWatched(t *testing.T) {
	hcl := head + strings.Replace(account("a", ""), `"pw"`, `file("password")`, 1)
	inWorld(t, hcl, func(t *testing.T, w *world) {
		password := func(p string) {
			if err := os.WriteFile(w.dir+"/password", []byte(p), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		password("old")
		// What was written in the moment of the reading is read again; the
		// bubble's clock is far behind that of the files.
		d := w.start("runner")
		wait(5 * time.Second)
		w.expect(1)
		password("new")
		wait(5 * time.Second)
		w.expect(2)
		d.end()
	})
}

func TestTheViewIsThatOfTheLastLooks(t *testing.T) {
	inWorld(t, head+account("b", "")+account("a", ""), func(t *testing.T, w *world) {
		d := w.start("runner")
		wait(time.Minute)
		doc := engine.Document(d.Plan())
		if len(doc.Accounts) != 2 || doc.Accounts[0].Address != "account.fake.a" || doc.Accounts[0].Targets[0].Reason != "current" {
			t.Errorf("the view is %+v", doc.Accounts)
		}
		d.end()
	})
}
