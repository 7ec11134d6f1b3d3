package engine

import (
	"errors"
	"strings"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/schema/diag"
	"github.com/credsync/credsync/state"
)

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

// failure is an error diagnostic about an account.
func (a *account) failure(summary string, err error) diag.Diagnostic {
	return diag.Errorf(summary, "%s", diag.Sentence(describeError(err))).About(a.cfg.Address, a.cfg.Range)
}

// noteClass keeps the class of the first failure, which the others mostly
// follow from, and the longest pause that an upstream asked for.
func (o *Outcome) noteClass(err error) {
	if o.Class == "" {
		o.Class = state.FailureClass(err)
	}
	var upstream *failure.Error
	if errors.As(err, &upstream) {
		o.RetryAfter = max(o.RetryAfter, upstream.RetryAfter)
	}
}
