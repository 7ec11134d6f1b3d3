package plan

import (
	"fmt"
	"time"
)

// Health says how bad it is, for those who watch. The words are those of
// monitoring systems.
type Health string

// The healths, from good to bad. What could not be looked at may hide
// anything, so it is worse than a warning.
const (
	OK       Health = "ok"
	Warn     Health = "warning"
	Unknown  Health = "unknown"
	Critical Health = "critical"
)

// Healths are all of them, from good to bad.
var Healths = []Health{OK, Warn, Unknown, Critical}

// badness orders them.
func (h Health) badness() int {
	for i, other := range Healths {
		if h == other {
			return i
		}
	}
	return len(Healths)
}

// WorseThan reports whether h is worse than the other.
func (h Health) WorseThan(other Health) bool { return h.badness() > other.badness() }

// HumanNotice is how long before a human is needed health begins to warn: new
// certificates take their time.
const HumanNotice = 30 * 24 * time.Hour

// lateness is how much later than the schedule says a run may end before a
// rotation counts as overdue.
const lateness = 5 * time.Minute

// health judges an account, with a message for everything but OK.
func health(a *Account, d *Decision) (Health, string) {
	if d.Reason == Unreadable {
		return Unknown, d.Message
	}
	if a.Removed && d.Action == BlockedAction {
		return Critical, fmt.Sprintf("blocked (%s)", d.Reason)
	}
	if a.Removed || !a.Enabled {
		return OK, ""
	}
	if message := broken(a, d); message != "" {
		return Critical, message
	}
	if message := worrying(a, d); message != "" {
		return Warn, message
	}
	return OK, ""
}

// broken says what does not work now.
func broken(a *Account, d *Decision) string {
	t := a.Token
	switch {
	case t != nil && !t.ExpiresAt.IsZero() && !a.Now.Before(t.ExpiresAt):
		return "the token expired " + ago(a.Now.Sub(t.ExpiresAt)) + ifBlocked(d)
	case t != nil && (t.Rejected || a.Verification.Outcome == Refused):
		return "the upstream no longer accepts the token" + ifBlocked(d)
	case d.Action == BlockedAction && (!d.HumanNeededBy.After(a.Now) || !d.RotateAt.After(a.Now)):
		return fmt.Sprintf("blocked (%s)", d.Reason)
	case d.Blocker != nil && !d.HumanNeededBy.After(a.Now):
		return fmt.Sprintf("needs a human (%s)", d.Blocker.Reason)
	case !d.HumanNeededBy.IsZero() && !d.HumanNeededBy.After(a.Now):
		return "a human should have acted " + ago(a.Now.Sub(d.HumanNeededBy))
	}
	return ""
}

func ifBlocked(d *Decision) string {
	if d.Blocker == nil {
		return ""
	}
	return fmt.Sprintf(", and a human is needed (%s)", d.Blocker.Reason)
}

// worrying says what will not work soon, or what only a run has to fix.
func worrying(a *Account, d *Decision) string {
	human := d.HumanNeededBy
	switch {
	case d.Blocker != nil:
		return fmt.Sprintf("needs a human (%s) in %s", d.Blocker.Reason, Duration(human.Sub(a.Now)))
	case !human.IsZero() && human.Sub(a.Now) <= HumanNotice:
		return "needs a human in " + Duration(human.Sub(a.Now))
	case d.Reason == RefreshUnknown:
		return "it is not known whether the token was refreshed"
	case a.Token == nil:
		return "no token yet"
	case overdue(a, d):
		return "the rotation is overdue by " + Duration(a.Now.Sub(d.RotateAt))
	case d.Action == Deliver:
		return d.Message
	}
	return ""
}

// overdue reports whether a run should have replaced the token by now. Without
// a schedule half of the time that is left for it is given.
func overdue(a *Account, d *Decision) bool {
	if d.RotateAt.IsZero() {
		return false
	}
	grace := a.RunsEvery + lateness
	if a.RunsEvery == 0 {
		grace = a.Token.ExpiresAt.Sub(d.RotateAt) / 2
	}
	return a.Now.Sub(d.RotateAt) > grace
}
