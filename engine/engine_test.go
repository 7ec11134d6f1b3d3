package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
	"github.com/credsync/credsync/testkit/posixfile"
)

func TestFirstApplyIssuesOnceAndTheSecondDoesNothing(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.expect("a issue no_token")
	if got := w.up.counts(); got != "logins=0 refreshes=0" {
		t.Fatalf("plan contacted the upstream: %s", got)
	}
	if paths := append(w.sinks["main"].Paths(), w.sinks["state"].Paths()...); len(paths) != 0 {
		t.Fatalf("plan wrote %v", paths)
	}
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" {
		t.Fatalf("delivered %q", got)
	}
	data, _ := w.sinks["main"].Get("a")
	if data["group_id"].Reveal() != "12345678901234567890" {
		t.Error("what verification said was not delivered")
	}
	w.expect("a none current")
	writes := w.sinks["main"].Calls(memorysink.Write) + w.sinks["state"].Calls(memorysink.Write)
	w.mustApply()
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Errorf("after the second apply: %s", got)
	}
	if again := w.sinks["main"].Calls(memorysink.Write) + w.sinks["state"].Calls(memorysink.Write); again != writes {
		t.Errorf("the second apply wrote %d times", again-writes)
	}
}

func TestTokenIsRefreshedInItsWindow(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.advance(20 * 24 * time.Hour)
	w.expect("a none current")
	w.advance(9 * 24 * time.Hour)
	w.expect("a refresh expiring")
	before := w.sinks["main"].Calls(memorysink.Write)
	w.mustApply()
	if got := w.delivered("a"); got != "token-2" {
		t.Errorf("delivered %q", got)
	}
	if n := w.sinks["main"].Calls(memorysink.Write) - before; n != 1 {
		t.Errorf("a steady-state rotation made %d writes to the target, want 1", n)
	}
	if n := w.sinks["main"].Calls(memorysink.Read); n != 0 {
		t.Errorf("the target's data was read %d times", n)
	}
	w.expect("a none current")
}

func TestRejectedRefreshFallsBackToOneLogin(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.revokeAll()
	w.expect("a refresh rejected")
	s := w.mustApply()
	if o := s.Outcomes[0]; o.Action != "reissue" || o.Reason != "refresh_unavailable" {
		t.Errorf("outcome %s %s", o.Action, o.Reason)
	}
	if got := w.up.counts(); got != "logins=2 refreshes=1" {
		t.Error(got)
	}
	if got := w.delivered("a"); got != "token-2" {
		t.Errorf("delivered %q", got)
	}
}

func TestWrongPasswordIsTriedOnceInAHundredApplies(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `"pw"`, `"wrong"`, 1))
	for i := range 100 {
		s := w.apply()
		if s.Count(engine.Blocked) != 1 {
			t.Fatalf("apply %d: outcomes %+v", i, s.Outcomes)
		}
		w.advance(time.Hour)
	}
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Fatal(got)
	}
	w.expect("a blocked credentials_rejected")

	w.hcl = strings.Replace(w.hcl, "account", "# a comment changes nothing\naccount", 1)
	w.apply()
	w.hcl = strings.Replace(w.hcl, `user     = "u"`, `user = "u"
  branch = "7"`, 1)
	w.apply()
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Fatalf("an attribute that the login does not have lifted the block: %s", got)
	}
	w.hcl = strings.Replace(w.hcl, `"wrong"`, `"pw"`, 1)
	w.expect("a issue no_token")
	w.mustApply()
	w.expect("a none current")
}

func TestReplaceLiftsARejectionOnce(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `"pw"`, `"wrong"`, 1))
	w.apply()
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.apply()
	if got := w.up.counts(); got != "logins=2 refreshes=0" {
		t.Fatal(got)
	}
}

func TestStaticTokenThatIsRejectedBlocksWithoutAskingAgain(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.static = true
	w.up.live["pw"] = true
	w.mustApply()
	if got := w.delivered("a"); got != "pw" {
		t.Fatalf("delivered %q", got)
	}
	w.up.revokeAll()
	w.expect("a blocked credentials_rejected")
	w.apply()
	asked := w.up.verifies
	for range 20 {
		w.apply()
		w.expect("a blocked credentials_rejected")
	}
	if w.up.verifies != asked {
		t.Errorf("the rejected token was sent %d more times", w.up.verifies-asked)
	}
}

func TestStaticTokenThatNeverWorkedIsNotDelivered(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.static = true
	if s := w.apply(); s.Count(engine.Blocked) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if got := w.sinks["main"].Paths(); len(got) != 0 {
		t.Errorf("delivered to %v", got)
	}
	w.apply()
	if w.up.verifies != 1 {
		t.Errorf("the rejected token was sent %d times", w.up.verifies)
	}
}

func TestUnverifiedTokenIsNeverDelivered(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.advance(29 * 24 * time.Hour)
	w.up.onVerify = only(1, &failure.Error{Class: failure.Server, Op: "verify the token", Message: "odd answer"})
	if s := w.apply(); s.Count(engine.Failed) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if got := w.delivered("a"); got != "token-1" {
		t.Errorf("delivered %q before it was verified", got)
	}
	w.expect("a deliver journaled")
	w.mustApply()
	if got, counts := w.delivered("a"), w.up.counts(); got != "token-2" || counts != "logins=1 refreshes=1" {
		t.Errorf("delivered %q after %s", got, counts)
	}
}

func TestFailedTargetIsServedFromTheJournalWithoutALogin(t *testing.T) {
	w := newWorld(t, oneAccount+`
sink "memory" "other" { name = "other" }
account "fake" "two" {
  password = "pw"
  deliver "memory" "main"  { path = "two" }
  deliver "memory" "other" { path = "two" }
}`)
	w.sinks["other"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	s := w.apply()
	if s.Count(engine.Failed) != 1 || s.Count(engine.Done) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if w.delivered("two") == "" {
		t.Error("the failing target held back the other one")
	}
	w.expect("a none current", "two deliver target_missing")
	w.mustApply()
	data, _ := w.sinks["other"].Get("two")
	if got := data["access_token"].Reveal(); got != w.delivered("two") {
		t.Errorf("the targets differ: %q", got)
	}
	if got := w.up.counts(); got != "logins=2 refreshes=0" {
		t.Errorf("a login was made again: %s", got)
	}
}

func TestDriftIsRepairedWithoutALogin(t *testing.T) {
	for name, tt := range map[string]struct {
		break_ func(*memorysink.Sink)
		want   string
	}{
		"deleted":        {func(s *memorysink.Sink) { s.Remove("a") }, "a deliver target_missing"},
		"softly deleted": {func(s *memorysink.Sink) { s.SoftRemove("a") }, "a deliver target_missing"},
		"overwritten": {func(s *memorysink.Sink) {
			s.Put("a", map[string]credential.Secret{"x": credential.NewSecret("y")})
		}, "a deliver target_drifted"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.mustApply()
			tt.break_(w.sinks["main"])
			w.expect(tt.want)
			w.mustApply()
			if got, counts := w.delivered("a"), w.up.counts(); got != "token-1" || counts != "logins=1 refreshes=0" {
				t.Errorf("delivered %q, %s", got, counts)
			}
			w.expect("a none current")
		})
	}
}

func TestMappingThatIsEditedIsDeliveredAgain(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.hcl = strings.Replace(w.hcl, `path = "a" }`, `
    path = "a"
    data = { T = token.access_token, G = token.group_id }
  }`, 1)
	w.expect("a deliver target_changed")
	w.mustApply()
	data, _ := w.sinks["main"].Get("a")
	if len(data) != 2 || data["T"].Reveal() != "token-1" {
		t.Errorf("delivered keys of %v", data)
	}
	w.expect("a none current")
}

func TestForeignTargetIsRefusedUntilAdopted(t *testing.T) {
	w := newWorld(t, oneAccount)
	theirs := map[string]credential.Secret{"theirs": credential.NewSecret("x")}
	w.sinks["main"].Put("a", theirs)
	w.expect("a blocked target_not_owned")
	if s := w.apply(); s.Count(engine.Blocked) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if data, _ := w.sinks["main"].Get("a"); data["theirs"].IsZero() {
		t.Fatal("a foreign target was overwritten")
	}
	if got := w.up.counts(); got != "logins=0 refreshes=0" {
		t.Errorf("a login was made for nothing: %s", got)
	}
	w.hcl = strings.Replace(w.hcl, `path = "a" }`, "\n    path = \"a\"\n    adopt = true\n  }", 1)
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" {
		t.Errorf("delivered %q", got)
	}
	w.hcl = oneAccount
	w.expect("a none current")
}

func TestTargetThatAppearsBetweenPlanAndWriteIsNotTrampled(t *testing.T) {
	for _, unmarked := range []bool{false, true} {
		t.Run(fmt.Sprintf("unmarked=%t", unmarked), func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.unmarked["main"] = unmarked
			w.up.loginDone = func() {
				w.sinks["main"].Put("a", map[string]credential.Secret{"theirs": credential.NewSecret("x")})
			}
			if s := w.apply(); s.Count(engine.Failed) != 1 {
				t.Fatalf("%+v", s.Outcomes)
			}
			if data, _ := w.sinks["main"].Get("a"); data["theirs"].IsZero() {
				t.Fatal("a foreign target was overwritten")
			}
			w.expect("a blocked target_not_owned")
		})
	}
}

// The owner's mark and the data are two writes. What someone else puts there
// between them is theirs, whoever has marked the place.
func TestTargetThatAppearsBetweenMarkAndDataIsNotTrampled(t *testing.T) {
	w := newWorld(t, oneAccount)
	s := w.sinks["main"]
	s.Fail = func(op string, _ sinks.Target) error {
		if op == memorysink.Write {
			s.Fail = nil
			s.Put("a", map[string]credential.Secret{"theirs": credential.NewSecret("x")})
		}
		return nil
	}
	if s := w.apply(); s.Count(engine.Failed) != 1 {
		t.Errorf("%+v", s.Outcomes)
	}
	if data, _ := s.Get("a"); data["theirs"].IsZero() {
		t.Fatal("a foreign target was overwritten")
	}
	w.expect("a blocked target_not_owned")
}

func TestStateThatCannotBeWrittenPreventsTheLogin(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.sinks["state"].Fail = failing(memorysink.Write, 1000, sinks.ErrDenied)
	s := w.apply()
	if s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Fatalf("%s %+v", w.up.counts(), s.Outcomes)
	}
}

func TestJournalIsTriedUntilTheStateIsBack(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.loginDone = func() { w.sinks["state"].Fail = failing(memorysink.Write, 5, sinks.ErrUnavailable) }
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" {
		t.Errorf("delivered %q", got)
	}
	if left := emergencyFiles(t, w); len(left) != 0 {
		t.Errorf("emergency files were left: %v", left)
	}
}

func TestTokenThatTheStateNeverTakesGoesToAnEmergencyFileAndComesBack(t *testing.T) {
	// Even where the umask takes nothing away, the file is its owner's only.
	posixfile.SetUmask(t, 0)
	w := newWorld(t, oneAccount)
	ctx, stop := context.WithCancel(context.Background())
	w.up.loginDone = func() { w.sinks["state"].Fail = failing(memorysink.Write, 1000000, sinks.ErrUnavailable) }
	pauses := 0
	w.sleeping = func() {
		if pauses++; pauses == 3 {
			stop()
		}
	}
	s := w.applyWith(ctx, engine.Request{})
	files := emergencyFiles(t, w)
	if s.Count(engine.Failed) != 1 || len(files) != 1 {
		t.Fatalf("outcomes %+v, files %v", s.Outcomes, files)
	}
	if m := s.Outcomes[0].Message; !strings.Contains(m, "credsync state recover "+files[0]) {
		t.Errorf("the message does not say how to bring the token back: %s", m)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}

	w.sinks["state"].Fail, w.sleeping, w.up.loginDone = nil, nil, nil
	w.alive = func(string) bool { return false }
	if _, err := w.engine().Recover(context.Background(), content, credential.Secret{}); err != nil {
		t.Fatal(err)
	}
	w.expect("a deliver journaled")
	w.mustApply()
	if got, counts := w.delivered("a"), w.up.counts(); got != "token-1" || counts != "logins=1 refreshes=0" {
		t.Errorf("delivered %q, %s", got, counts)
	}
	if _, err := w.engine().Recover(context.Background(), content, credential.Secret{}); err == nil {
		t.Error("an emergency file was recovered a second time")
	}
}

func emergencyFiles(t *testing.T, w *world) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.emergency, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestWriteOfTheStateWhoseAnswerIsLostDoesNotLoseTheToken(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.loginDone = func() {
		w.sinks["state"].Lose = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	}
	w.mustApply()
	if got := w.delivered("a"); got != "token-1" {
		t.Errorf("delivered %q", got)
	}
	w.expect("a none current")
}

func TestConcurrentAppliesMakeOneLoginPerAccount(t *testing.T) {
	var hcl strings.Builder
	hcl.WriteString("sink \"memory\" \"main\" {}\nsink \"memory\" \"state\" { name = \"state\" }\nstate \"memory\" \"state\" { path = \"state\" }\n")
	for i := range 5 {
		fmt.Fprintf(&hcl, "account \"fake\" \"a%d\" {\n password = \"pw\"\n deliver \"memory\" \"main\" { path = \"a%d\" }\n}\n", i, i)
	}
	w := newWorld(t, hcl.String())
	w.frozen = true
	engines := make([]*engine.Engine, 8)
	for i := range engines {
		w.holder = fmt.Sprintf("runner-%d", i)
		engines[i] = w.engine()
	}
	var wg sync.WaitGroup
	for _, e := range engines {
		wg.Go(func() {
			ctx := context.Background()
			s := e.Apply(ctx, e.Plan(ctx, engine.Request{}), ignore{})
			if n := s.Count(engine.Failed); n != 0 {
				t.Errorf("%d accounts failed: %+v", n, s.Outcomes)
			}
		})
	}
	wg.Wait()
	if got := w.up.counts(); got != "logins=5 refreshes=0" {
		t.Error(got)
	}
}

func TestLeaseOfADeadHolderIsTakenOverAndThatOfALiveOneIsNot(t *testing.T) {
	w := newWorld(t, oneAccount)
	// A run that is killed in the middle of a login leaves its lease.
	ctx, kill := context.WithCancel(context.Background())
	w.up.onLogin = func() error {
		kill()
		w.sinks["state"].Fail = failing(memorysink.Write, 1000, sinks.ErrUnavailable)
		return &failure.Error{Class: failure.Server, Op: "log in", Message: "killed"}
	}
	w.applyWith(ctx, engine.Request{})
	w.up.onLogin, w.sinks["state"].Fail = nil, nil

	w.holder = "runner-2"
	w.alive = func(holder string) bool { return holder != "runner-1" }
	start := w.Now()
	w.mustApply()
	if waited := w.Now().Sub(start); waited > 0 {
		t.Errorf("waited %s for a holder that is dead", waited)
	}
}

func TestLeaseOfALiveHolderIsWaitedOut(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.onLogin = func() error {
		w.sinks["state"].Fail = failing(memorysink.Write, 1000, sinks.ErrUnavailable)
		return &failure.Error{Class: failure.Server, Op: "log in", Message: "killed"}
	}
	w.apply()
	w.up.onLogin, w.sinks["state"].Fail = nil, nil
	w.holder = "runner-2"
	start := w.Now()
	w.mustApply()
	if waited := w.Now().Sub(start); waited < time.Minute || waited > 3*time.Minute {
		t.Errorf("waited %s, want about the life of a lease", waited)
	}
}

func TestOneAccountsFailureStopsNoOther(t *testing.T) {
	w := newWorld(t, oneAccount+`
account "fake" "b" {
  password = "wrong"
  deliver "memory" "main" { path = "b" }
}
account "fake" "c" {
  password = "pw"
  deliver "memory" "main" { path = "c" }
}`)
	s := w.apply()
	if s.Count(engine.Done) != 2 || s.Count(engine.Blocked) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if w.delivered("a") == "" || w.delivered("c") == "" || w.delivered("b") != "" {
		t.Error("the wrong targets were written")
	}
}

func TestNothingIsSpentUnlessEveryTargetCanBeWritten(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	w.sinks["main"].Fail = failing(memorysink.Preflight, 1, sinks.ErrDenied)
	s := w.apply()
	if s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Fatalf("%s %+v", w.up.counts(), s.Outcomes)
	}
	w.mustApply()
}

func TestLoginWhoseAnswerIsLostMakesTheOldTokenDead(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	w.mustApply()
	w.up.onLogin = only(1, &failure.Error{Class: failure.Retryable, Op: "log in", AnswerLost: true, Message: "timeout"})
	w.applyWith(context.Background(), engine.Request{Replace: []string{"fake.a"}})
	w.expect("a refresh rejected")
}

func TestRemovedAccountIsForgottenOrDeleted(t *testing.T) {
	const head = `
sink "memory" "main" {}
sink "memory" "state" { name = "state" }
state "memory" "state" { path = "state" }
`
	for _, onRemove := range []string{"retain", "delete"} {
		t.Run(onRemove, func(t *testing.T) {
			w := newWorld(t, strings.Replace(oneAccount, `user     = "u"`, fmt.Sprintf("on_remove = %q", onRemove), 1))
			w.mustApply()
			w.hcl = head
			if onRemove == "delete" {
				w.expect("a delete removed")
			} else {
				w.expect("a forget removed")
			}
			w.mustApply()
			if there := w.delivered("a") != ""; there != (onRemove == "retain") {
				t.Errorf("the target is there: %t", there)
			}
			if left := w.sinks["state"].Paths(); len(left) != 0 {
				t.Errorf("state was left: %v", left)
			}
			w.expect()
		})
	}
}

func TestOnRemoveIsRememberedWhenOnlyItChanges(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.hcl = strings.Replace(oneAccount, `user     = "u"`, `user = "u"
  on_remove = "delete"`, 1)
	w.mustApply()
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.expect("a delete removed")
}

func TestRemovedTargetThatBecameSomeoneElsesIsLeftAlone(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `user     = "u"`, `on_remove = "delete"`, 1))
	w.mustApply()
	w.hcl = strings.Replace(strings.Replace(oneAccount, `"fake" "a"`, `"fake" "b"`, 1), `path = "a" }`, "\n    path = \"a\"\n    adopt = true\n  }", 1)
	s := w.apply()
	if n := s.Count(engine.Failed); n != 0 {
		t.Fatalf("%+v", s.Outcomes)
	}
	w.mustApply()
	if w.delivered("a") == "" {
		t.Error("the target of the new owner was deleted")
	}
}

func TestOfflinePlanAsksNoUpstream(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	verified := w.up.verifies
	w.up.revokeAll()
	w.expectOf(engine.Request{Offline: true}, "a none current")
	if w.up.verifies != verified {
		t.Error("the upstream was asked")
	}
}

func TestVerifyEverySparesTheUpstream(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `user     = "u"`, `verify_every = "6h"`, 1))
	w.mustApply()
	verified := w.up.verifies
	w.mustApply()
	w.advance(5 * time.Hour)
	w.mustApply()
	if w.up.verifies != verified {
		t.Errorf("verified %d more times within verify_every", w.up.verifies-verified)
	}
	w.advance(2 * time.Hour)
	w.mustApply()
	w.mustApply()
	if w.up.verifies != verified+1 {
		t.Errorf("verified %d times after verify_every, want once", w.up.verifies-verified)
	}
}

func TestUpstreamThatDoesNotAnswerTheVerificationChangesNothing(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.onVerify = only(1, &failure.Error{Class: failure.Retryable, Op: "verify the token", Message: "HTTP 502"})
	p := w.plan(engine.Request{})
	if p.Accounts[0].Action != "none" || p.Diagnostics.HasErrors() || len(p.Diagnostics) != 1 {
		t.Errorf("%s, %+v", p.Accounts[0].Action, p.Diagnostics)
	}
}

func TestAccessThatIsWithdrawnBlocksAndComesBackByItself(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.mustApply()
	w.up.onVerify = func() error {
		return &failure.Error{Class: failure.Human, Reason: failure.NoAccess, Op: "verify the token", Message: "branch gone"}
	}
	w.expect("a blocked no_access")
	writes := 0
	for i := range 3 {
		if s := w.apply(); s.Count(engine.Blocked) != 1 {
			t.Fatalf("%+v", s.Outcomes)
		}
		if i == 0 {
			writes = w.sinks["state"].Calls(memorysink.Write)
		}
	}
	if n := w.sinks["state"].Calls(memorysink.Write); n != writes {
		t.Errorf("the same block was written %d more times", n-writes)
	}
	w.up.onVerify = nil
	w.mustApply()
	w.expect("a none current")
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Error(got)
	}
}

func TestCorruptOrNewerRecordIsReportedAndNothingIsSent(t *testing.T) {
	for name, record := range map[string]string{"corrupt": "{", "newer": `{"format_version": 99}`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, oneAccount)
			w.mustApply()
			path := w.sinks["state"].Paths()[0]
			w.sinks["state"].Put(path, map[string]credential.Secret{"record": credential.NewSecret(record)})
			s := w.apply()
			if s.Count(engine.Failed) != 1 || w.up.counts() != "logins=1 refreshes=0" {
				t.Fatalf("%s %+v", w.up.counts(), s.Outcomes)
			}
			if m := s.Outcomes[0].Message; !strings.Contains(m, "memory/"+path) {
				t.Errorf("the message does not say where the record is: %s", m)
			}
			data, _ := w.sinks["state"].Get(path)
			if data["record"].Reveal() != record {
				t.Error("the record was overwritten")
			}
		})
	}
}

func TestRecordsOfOtherProjectsAreLeftAlone(t *testing.T) {
	w := newWorld(t, "credsync {\n  project = \"other\"\n}\n"+oneAccount)
	w.mustApply()
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.expect()
}

func TestSavedPlanIsAppliedByAnotherProcessAndRefusedWhenStale(t *testing.T) {
	w := newWorld(t, oneAccount)
	save := func() *engine.Saved {
		t.Helper()
		e := w.engine()
		var b bytes.Buffer
		if err := e.Save(&b, e.Plan(context.Background(), engine.Request{})); err != nil {
			t.Fatal(err)
		}
		s, err := engine.LoadSaved(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ctx := context.Background()
	first := save()
	e := w.engine()
	p := e.PlanSaved(ctx, first)
	if p.Diagnostics.HasErrors() {
		t.Fatalf("%+v", p.Diagnostics)
	}
	if s := e.Apply(ctx, p, ignore{}); s.Count(engine.Done) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if p := w.engine().PlanSaved(ctx, first); !p.Diagnostics.HasErrors() {
		t.Error("a plan was accepted after it had been applied")
	}
	second := save()
	w.hcl = strings.Replace(w.hcl, `"u"`, `"v"`, 1)
	if p := w.engine().PlanSaved(ctx, second); !p.Diagnostics.HasErrors() {
		t.Error("a plan was accepted after the configuration had changed")
	}
	w.hcl = oneAccount
	w.up.revokeAll()
	if p := w.engine().PlanSaved(ctx, second); !p.Diagnostics.HasErrors() {
		t.Error("a plan to do nothing was accepted though a login is needed now")
	}
	if _, err := engine.LoadSaved([]byte("{}")); err == nil {
		t.Error("something else was taken for a plan")
	}
}

func TestAuthenticateJournalsAVerifiedTokenAndWritesNoTarget(t *testing.T) {
	w := newWorld(t, oneAccount)
	e := w.engine()
	ctx := context.Background()
	s := e.Authenticate(ctx, e.Plan(ctx, engine.Request{}), ignore{})
	if s.Count(engine.Done) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	if paths := w.sinks["main"].Paths(); len(paths) != 0 {
		t.Errorf("targets were written: %v", paths)
	}
	w.expect("a deliver journaled")
	w.mustApply()
	if got, counts := w.delivered("a"), w.up.counts(); got != "token-1" || counts != "logins=1 refreshes=0" {
		t.Errorf("delivered %q, %s", got, counts)
	}
}

func TestAuthenticateLeavesOutALoginThatKillsATokenInUse(t *testing.T) {
	w := newWorld(t, oneAccount)
	w.up.revokes = true
	w.mustApply()
	e := w.engine()
	ctx := context.Background()
	s := e.Authenticate(ctx, e.Plan(ctx, engine.Request{Replace: []string{"fake.a"}}), ignore{})
	if got := w.up.counts(); got != "logins=1 refreshes=0" {
		t.Errorf("%s", got)
	}
	if len(s.Outcomes) != 1 || len(s.Outcomes[0].Diagnostics) != 1 {
		t.Errorf("it was not said: %+v", s.Outcomes)
	}
}

// What is in a target that credsync did not write may be the token that is in use;
// the keys of others in a merged one are not.
func TestAuthenticateBesideWhatOthersWrote(t *testing.T) {
	for _, c := range []struct {
		name, options, there, want string
	}{
		{"a target that a script wrote", "adopt = true", "access_token", "logins=0 refreshes=0"},
		{"a merged target with the account's key", "merge = true\n adopt = true", "access_token", "logins=0 refreshes=0"},
		{"a merged target with the keys of others", "merge = true\n adopt = true", "OTHER", "logins=1 refreshes=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, strings.Replace(oneAccount, `{ path = "a" }`, "{\npath = \"a\"\n"+c.options+"\n}", 1))
			w.up.revokes = true
			w.sinks["main"].Put("a", map[string]credential.Secret{c.there: credential.NewSecret("theirs")})
			e := w.engine()
			e.Authenticate(t.Context(), e.Plan(t.Context(), engine.Request{}), ignore{})
			if got := w.up.counts(); got != c.want {
				t.Errorf("%s, not %s", got, c.want)
			}
		})
	}
}

func TestTargetFlagLooksAtNothingElse(t *testing.T) {
	w := newWorld(t, oneAccount+`
account "fake" "b" {
  for_each = toset(["x", "y"])
  password = "pw"
  deliver "memory" "main" { path = "b/${each.key}" }
}`)
	w.expectOf(engine.Request{Targets: []string{"fake.a"}}, "a issue no_token")
	w.expectOf(engine.Request{Targets: []string{"account.fake.b"}}, `b["x"] issue no_token`, `b["y"] issue no_token`)
	w.expectOf(engine.Request{Targets: []string{`fake.b["y"]`}}, `b["y"] issue no_token`)
	p := w.plan(engine.Request{Targets: []string{"fake.zzz"}})
	if !p.Diagnostics.HasErrors() {
		t.Error("an address that names nothing was accepted")
	}
}

func TestCancelledApplyBeginsNothing(t *testing.T) {
	w := newWorld(t, oneAccount)
	e := w.engine()
	p := e.Plan(context.Background(), engine.Request{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if s := e.Apply(ctx, p, ignore{}); s.Count(engine.Failed) != 1 || w.up.counts() != "logins=0 refreshes=0" {
		t.Errorf("%s %+v", w.up.counts(), s.Outcomes)
	}
}

func TestApplyThatIsStoppedDuringALoginStillJournalsAndDelivers(t *testing.T) {
	w := newWorld(t, oneAccount)
	ctx, stop := context.WithCancel(context.Background())
	w.up.loginDone = stop
	s := w.applyWith(ctx, engine.Request{})
	if s.Count(engine.Done) != 1 || w.delivered("a") != "token-1" {
		t.Errorf("%+v", s.Outcomes)
	}
}

func TestCrashAtAnyWriteLosesNoTokenAndNeedsNoSecondLogin(t *testing.T) {
	// The process dies at the n-th operation of any kind: it and all that
	// follow have no effect. The next process applies once.
	for _, unmarked := range []bool{false, true} {
		for n := 1; ; n++ {
			w := newWorld(t, oneAccount)
			w.unmarked["main"] = unmarked
			w.alive = func(string) bool { return false }
			died := crashAt(w, n)
			ctx, kill := context.WithCancel(context.Background())
			w.sleeping = kill
			w.applyWith(ctx, engine.Request{})
			if !*died {
				if n < 6 {
					t.Fatalf("the run has only %d operations; the crash is not simulated", n)
				}
				break
			}
			w.sinks["main"].Fail, w.sinks["state"].Fail, w.sleeping, w.emergency = nil, nil, nil, t.TempDir()
			before := w.up.counts()
			w.mustApply()
			if w.delivered("a") == "" {
				t.Fatalf("crash at operation %d: nothing was delivered", n)
			}
			if strings.HasPrefix(before, "logins=1") && w.up.logins > 1 && w.delivered("a") != "token-2" {
				t.Fatalf("crash at operation %d: the wrong token was delivered", n)
			}
			// The fifth operation is the journal's write (after the state's list
			// and read, the target's stat and the lease). Only a crash before
			// it has taken effect may cost a login.
			if w.up.logins > 1 && n > 5 {
				t.Fatalf("crash at operation %d (unmarked=%t): %d logins", n, unmarked, w.up.logins)
			}
			w.expect("a none current")
		}
	}
}

// crashAt lets every operation from the n-th on fail without effect.
func crashAt(w *world, n int) *bool {
	var mu sync.Mutex
	died := false
	hook := func(op string, t sinks.Target) error {
		mu.Lock()
		defer mu.Unlock()
		if n--; n <= 0 {
			died = true
			return errors.New("the process is dead")
		}
		return nil
	}
	w.sinks["main"].Fail, w.sinks["state"].Fail = hook, hook
	return &died
}
