package render

import (
	"cmp"
	"fmt"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
)

// LoginView shows a login that a human takes part in.
type LoginView struct {
	*Output
	told told
}

// NewLogin returns the view of the login command.
func NewLogin(o *Output) *LoginView { return &LoginView{Output: o} }

// Failed shows why nothing was done.
func (v *LoginView) Failed(list diag.List) { v.Output.Diagnostics(list) }

// Diagnostics shows what came up on the way.
func (v *LoginView) Diagnostics(list diag.List) { v.Output.Diagnostics(v.told.fresh(list)) }

// Sent says that a code is on its way, and how to finish another time.
func (v *LoginView) Sent(s engine.Sent, address string) {
	ago := plan.Duration(v.Now().Sub(s.At))
	if s.Earlier {
		v.Note(fmt.Sprintf("A code was sent %s ago. It is too early to send another.", ago))
	} else {
		v.Note("The upstream has sent a code.")
	}
	v.Note(fmt.Sprintf("To enter it later: credsync login %s --code-file FILE", quoteArgument(address)))
}

// NoCode says that the login waits.
func (v *LoginView) NoCode(err error, address string) {
	v.Output.Diagnostics(diag.List{diag.Errorf("The login is waiting for its code",
		"There is no code yet: %s. Finish with: credsync login %s --code-file FILE", diag.Clause(err.Error()), quoteArgument(address))})
}

// Finish shows how it ended.
func (v *LoginView) Finish(o engine.Outcome) {
	v.Diagnostics(o.Diagnostics)
	p := planPrinter{Stream: v.Out, now: v.Now()}
	switch o.Result {
	case engine.Done:
		p.printf("%s\n", clean(o.Address)+": logged in, verified and delivered.")
	case engine.Blocked:
		p.printf("%s\n", clean(o.Address)+": needs a human ("+string(o.Blocker.Reason)+")")
		p.paragraph(6, diag.Sentence(o.Message))
		p.remedy(o.Blocker.Reason, cmp.Or(o.Blocker.Address, o.Address), !o.Blocker.CodeSentAt.IsZero())
	case engine.Failed:
		p.printf("%s\n", clean(o.Address)+": the login failed.")
	}
}
