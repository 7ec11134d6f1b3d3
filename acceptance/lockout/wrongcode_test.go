package lockout

import (
	"context"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sandbox"
)

// A wrong code is one attempt of whoever typed it. Applies add none, and have no
// other code sent.
func TestWrongCodeIsOneAttemptEachTimeItIsEntered(t *testing.T) {
	w := newWorld(t, refusalRow{
		upstream: "bifit_kassa", reason: "needs_code",
		change: func(a *sandbox.Account) { a.BifitKassa.SecondFactor = true },
	})
	address := w.r.upstream + ".a"
	w.blocked(40, w.r.use())
	w.login()
	for n := 1; n <= 3; n++ {
		e, end := w.engine(w.config(w.r.use()))
		if o := e.FinishLogin(context.Background(), address, credential.NewSecret("wrong")); o.Result != engine.Blocked ||
			o.Reason != "needs_code" {
			t.Errorf("a wrong code ended %s %s: %s", o.Result, o.Reason, o.Message)
		}
		end()
		w.blocked(40, w.r.use())
		w.wantAsked(1+n, "a wrong code")
	}
	if w.codes() != 1 {
		t.Errorf("%d codes were sent, want 1", w.codes())
	}

	e, end := w.engine(w.config(w.r.use()))
	defer end()
	code := credential.NewSecret(w.box.LastCode(w.r.upstream, accounts[w.r.upstream]))
	if o := e.FinishLogin(context.Background(), address, code); o.Result != engine.Done {
		t.Errorf("the right code ended %s: %s", o.Result, o.Message)
	}
}
