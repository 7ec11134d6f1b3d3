package engine

import (
	"fmt"
	"time"

	"github.com/credsync/credsync/failure"
)

// mostChanges is how many different logins in a row are refused before one of their
// attributes is taken to differ from run to run.
const mostChanges = 3

// quickChange is how soon after a login the configuration has changed again where an
// attribute differs from run to run.
const quickChange = 24 * time.Hour

const (
	loginDiffers = "The login differs from run to run"
	// loginDiffersAdvice is what to do about it.
	loginDiffersAdvice = "Give that attribute a fixed value or, if it is only for a gateway, put it in the headers of the http block."
)

// warnOfChangingLogin warns where each run logs in with something else, so that no
// rejection that is remembered goes for the next login: a password that is wrong is
// tried for ever, and may lock the account. That is not told by how an attribute is
// written, since a password from env() is as usual as a number of the run from it; but
// a person does not enter a third password between runs and be refused with each. So
// it is told by what happened: since the last login that worked, mostChanges different
// ones were refused, and the present one is another.
func (o *observation) warnOfChangingLogin() {
	var since time.Time
	if g := o.record.Newest(); g != nil {
		if !changed(g, o.fingerprints) {
			return
		}
		if g.ConfigChanges >= mostChanges {
			o.warn(loginDiffers, fmt.Sprintf("The last %d tokens were replaced within a day, each because the configuration of this account had changed, and it has changed again. "+
				"An attribute may differ in each run, such as one from env(), file() or a data block, or two configurations may be applied in turn. "+
				loginDiffersAdvice, g.ConfigChanges))
			return
		}
		since = g.Token.IssuedAt
	}
	refused := map[string]bool{}
	for _, j := range o.record.Rejections {
		if len(j.Key) == 0 && j.Reason != failure.NoAccess && !j.At.Before(since) {
			refused[j.LoginPrint] = true
		}
	}
	if b := o.record.Block; b != nil && b.LoginPrint != "" && b.Reason != failure.NoAccess && !b.Since.Before(since) {
		refused[b.LoginPrint] = true
	}
	if len(refused) < mostChanges || refused[o.fingerprints.login] {
		return
	}
	o.warn(loginDiffers, fmt.Sprintf("The upstream refused %d logins of this account, each with different attributes than the one before, and the next login differs again. "+
		"If nobody changed them by hand, an attribute of the account differs in each run, such as one from env(), file() or a data block that contains the number or the time of the run. "+
		"A wrong password is then sent in each run, which may lock the account. "+loginDiffersAdvice, len(refused)))
}
