package engine

import (
	"errors"
	"strings"
	"time"

	"github.com/credsync/credsync/audit"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

// Observer is told what apply does, from several goroutines.
type Observer interface {
	// AccountStarted is called when work on an account begins.
	AccountStarted(p *AccountPlan)
	// AccountDone is called once for each account that was started.
	AccountDone(o Outcome)
}

// Result is how the work on an account ended.
type Result string

// The results; they are the words of outcome in apply --json.
const (
	// Done: everything planned for the account was done.
	Done Result = "done"
	// Failed: something was not done; the diagnostics say what.
	Failed Result = "failed"
	// Blocked: all was done that could be, and a human is needed.
	Blocked Result = "blocked"
)

// Outcome is how the work on one account ended.
type Outcome struct {
	Address string
	// Action and Reason are what was done in the end, which can differ from
	// the plan: a refresh that was rejected became a login, or another run had
	// done the work.
	Action plan.Action
	Reason plan.Reason
	Result Result
	// Message is a sentence for people.
	Message string
	// Cause is why something was not done, in a few words and the reason first, for a
	// line that may be cut; "" where Message is all there is.
	Cause string
	// Blocker is why a human is needed, even if Action could be done; nil
	// if none is.
	Blocker     *plan.Block
	Diagnostics diag.List
	// Class says why something was not done, where Result is not Done; it may
	// be empty where Result is Blocked and nothing was tried.
	Class failure.Class
	// RetryAfter is for how long the upstream asked to be left alone; 0 if it
	// did not.
	RetryAfter time.Duration
	// Logins and Refreshes count what was sent to the upstream, whatever came
	// of it.
	Logins, Refreshes int
	At                time.Time
	// NotBegun says that the run was told to stop before it came to the account.
	NotBegun bool
}

func (o *Outcome) countSent(action audit.Action) {
	switch action {
	case audit.Login:
		o.Logins++
	case audit.Refresh:
		o.Refreshes++
	}
}

// noteClass keeps the class and the cause of the first failure, which the others
// mostly follow from, and the longest pause that an upstream asked for.
func (o *Outcome) noteClass(err error) {
	first := o.Class == ""
	if first {
		o.Class = state.FailureClass(err)
	}
	var upstream *failure.Error
	if errors.As(err, &upstream) {
		if first {
			o.Cause = upstream.Cause()
		}
		o.RetryAfter = max(o.RetryAfter, upstream.RetryAfter)
	}
}

// Summary is how an apply ended.
type Summary struct {
	// Outcomes are ordered by address, and cover every account with something
	// to do or that needs a human.
	Outcomes []Outcome
	// Diagnostics are warnings about the run as a whole.
	Diagnostics diag.List
}

// Count returns how many ended with that result.
func (s *Summary) Count(r Result) int {
	n := 0
	for _, o := range s.Outcomes {
		if o.Result == r {
			n++
		}
	}
	return n
}

// NotBegun returns how many accounts the run did not come to before it was told
// to stop. They count as Failed too.
func (s *Summary) NotBegun() int {
	n := 0
	for _, o := range s.Outcomes {
		if o.NotBegun {
			n++
		}
	}
	return n
}

// describeError writes an error with the advice that comes with it.
func describeError(err error) string {
	var upstream *failure.Error
	if errors.As(err, &upstream) && upstream.Advice != "" {
		return joinSentences(err.Error(), upstream.Advice)
	}
	return err.Error()
}

// joinSentences puts a full stop between two sentences where there is none.
func joinSentences(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return strings.TrimRight(a, ". ") + ". " + b
}
