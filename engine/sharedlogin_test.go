package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/address"
)

// One login at an upstream is one login, in however many account blocks it
// stands: ten branches of one user must not make ten rejected logins.
func TestAccountsThatLogInAlikeShareARefusal(t *testing.T) {
	hcl := strings.Split(oneAccount, "account")[0] + `
account "fake" "a" {
  for_each = toset(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
  user     = "u"
  password = "pw"
  branch   = each.key
  deliver "memory" "main" { path = "a${each.key}" }
}
account "fake" "other" {
  user     = "other"
  password = "pw"
  deliver "memory" "main" { path = "other" }
}
`
	alone := map[failure.Reason]bool{failure.NoAccess: true, failure.NeedsCode: true}
	eachRefusal(t, func(t *testing.T, w *world) {
		if alone[w.up.onLogin().(*failure.Error).Reason] {
			t.Skip("it depends on more than the login, or each account has a command of its own to run")
		}
		w.hcl = hcl
		for range 10 {
			if s := w.apply(); s.Count(engine.Blocked) != 11 {
				t.Fatalf("%+v", s.Outcomes)
			}
		}
		w.wantLogins(2)
		for i := range 10 {
			w.applyWith(context.Background(), engine.Request{Targets: []string{fmt.Sprintf(`fake.a["%d"]`, i)}})
		}
		w.wantLogins(2)
		blamed := map[string]bool{}
		for _, a := range engine.Document(w.plan(engine.Request{})).Accounts {
			if a.Action != plan.BlockedAction || a.Blocker == nil {
				t.Fatalf("%s: %s %s", a.Address, a.Action, a.Reason)
			}
			if a.Address != "account.fake.other" {
				blamed[a.Blocker.Address] = true
			}
		}
		if len(blamed) != 1 {
			t.Fatalf("the block is that of %v, want one account", blamed)
		}

		// Lifted for that one, it is lifted for all.
		w.up.onLogin = nil
		for address := range blamed {
			w.applyWith(context.Background(), engine.Request{Replace: []string{address}})
		}
		w.apply()
		for i := range 10 {
			if w.delivered(fmt.Sprint("a", i)) == "" {
				t.Errorf("account %d is still held back though the login works again", i)
			}
		}
	})
}

// A shard sees a part of the accounts only, and asks the state about the rest.
func TestShardKnowsTheRefusalOfAnAccountInAnother(t *testing.T) {
	w := newWorld(t, strings.Split(oneAccount, "account")[0]+`
account "fake" "a" {
  for_each = toset(["0", "1", "2", "3", "4", "5"])
  user     = "u"
  password = "wrong"
  deliver "memory" "main" { path = "a${each.key}" }
}
`)
	for i := range 3 {
		w.applyWith(context.Background(), engine.Request{Shard: &address.Shard{Index: i, Count: 3}})
	}
	w.wantLogins(1)
}

// Concurrent accounts with one login do not log in at the same time, and the
// second learns from the first.
func TestAccountsThatLogInAlikeDoSoOneAfterAnother(t *testing.T) {
	w := newWorld(t, strings.Split(oneAccount, "account")[0]+`
account "fake" "a" {
  for_each = toset(["0", "1", "2", "3", "4", "5"])
  user     = "u"
  password = "pw"
  deliver "memory" "main" { path = "a${each.key}" }
}
`)
	var mu sync.Mutex
	running, most := 0, 0
	w.up.loginContext = func(context.Context) {
		mu.Lock()
		running++
		most = max(most, running)
		mu.Unlock()
		// The fake holds its own lock here; give the others a chance to come.
		w.up.mu.Unlock()
		for range 1000 {
			runtime.Gosched()
		}
		w.up.mu.Lock()
		mu.Lock()
		running--
		mu.Unlock()
	}
	w.mustApply()
	if most != 1 {
		t.Errorf("%d logins of one user at the same time", most)
	}
	w.wantLogins(6)
}

// An account whose token is good is told of all the same where the login that it
// will need one day was refused to another account.
func TestRefusalIsToldOfAnAccountWithAGoodToken(t *testing.T) {
	one := strings.Split(oneAccount, "account")[0] + `
account "fake" "good" {
  user     = "u"
  password = "pw"
  branch   = "1"
  deliver "memory" "main" { path = "good" }
}
`
	w := newWorld(t, one)
	w.mustApply()
	w.hcl = one + `
account "fake" "new" {
  user     = "u"
  password = "pw"
  branch   = "2"
  deliver "memory" "main" { path = "new" }
}
`
	w.up.onLogin = func() error { return refuse(failure.Credentials, "log in") }
	w.apply()
	for range 2 {
		s := w.apply()
		if s.Count(engine.Blocked) != 2 || len(s.Outcomes) != 2 {
			t.Errorf("%+v", s.Outcomes)
		}
	}
	w.wantLogins(2)
	if got := w.delivered("good"); got != "token-1" {
		t.Errorf("delivered %q", got)
	}
}
