package answers

import (
	"context"

	"github.com/credsync/credsync/engine"
)

// situation is where an account stands when the answers of a cell begin, and what is done
// then.
type situation struct {
	name string
	op   operation
	// main ones are tried with every body at the statuses that documents name.
	main bool
	// of says at which upstreams there is one.
	of func(*upstreamKind) bool
	// begin brings the account there, with good answers.
	begin func(*world)
	// run is one of the runs.
	run func(w *world, n int)
}

const (
	firstLogin    = "first login"
	secondLogin   = "login in place of a good token"
	newTokenCheck = "check of a new token"
)

var situations = []situation{
	{
		name:  firstLogin,
		main:  true,
		op:    opLogin,
		of:    func(u *upstreamKind) bool { return !u.static },
		begin: func(*world) {},
		run:   applyAgain,
	},
	{
		name:  secondLogin,
		main:  true,
		op:    opLogin,
		of:    func(u *upstreamKind) bool { return u.revokes },
		begin: firstToken,
		run:   replaceOnce,
	},
	{name: "refresh", main: true, op: opRefresh, of: refreshes, begin: tokenThatIsDue, run: applyAgain},
	{name: newTokenCheck, main: true, op: opCheck, of: checks, begin: func(*world) {}, run: applyAgain},
	{name: "check of a token", op: opCheck, of: checks, begin: firstToken, run: applyAgain},
	{name: "send a code", op: opSendCode, of: sendsCodes, begin: func(w *world) { w.server.wantsCode = true }, run: loginByHand},
	{name: "enter a code", op: opEnterCode, of: sendsCodes, begin: codeSent, run: enterCode},
}

func refreshes(u *upstreamKind) bool  { return u.name == "sagi" || u.name == "bifit_kassa" }
func checks(u *upstreamKind) bool     { return u.static || refreshes(u) }
func sendsCodes(u *upstreamKind) bool { return u.name == "bifit_kassa" }

func firstToken(w *world) {
	if s := w.apply(engine.Request{}); s.Count(engine.Done) != 1 {
		w.t.Fatalf("%s: the first token did not come: %+v", w.up.name, s.Outcomes)
	}
}

func tokenThatIsDue(w *world) {
	firstToken(w)
	w.advance(w.up.due)
}

func applyAgain(w *world, _ int) { w.apply(engine.Request{}) }

func replaceOnce(w *world, n int) {
	var req engine.Request
	if n == 0 {
		req.Replace = []string{w.up.name + ".a"}
	}
	w.apply(req)
}

// loginByHand is what credsync login does, with an apply after it that must not have
// another code sent.
func loginByHand(w *world, _ int) {
	e := w.engine()
	w.said = append(w.said, e.BeginLogin(context.Background(), w.up.name+".a"))
	w.apply(engine.Request{})
}

func codeSent(w *world) {
	w.server.wantsCode = true
	e := w.engine()
	if sent := e.BeginLogin(context.Background(), w.up.name+".a"); sent.At.IsZero() {
		w.t.Fatalf("no code was sent: %+v", sent.Outcome)
	}
}

func enterCode(w *world, _ int) {
	e := w.engine()
	w.said = append(w.said, e.FinishLogin(context.Background(), w.up.name+".a", w.code()))
	w.apply(engine.Request{})
}
