package engine

import (
	"errors"
	"strings"

	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema/diag"
)

// describeError writes an error with the advice that comes with it.
func describeError(err error) string {
	var upstream *providers.Error
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
