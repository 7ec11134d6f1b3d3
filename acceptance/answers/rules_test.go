package answers

import (
	"net/http"

	"github.com/credsync/credsync/plan"
)

// kind is what a cell's answer is, by the rules that hold for all upstreams and by the
// upstream's own document.
type kind string

const (
	// brought: the answer holds what was asked for, a token as a rule.
	brought kind = "success"
	// refused: the document names this refusal.
	refused kind = "documented refusal"
	// unclassified: a refusal all the same.
	unclassified kind = "unclassified refusal"
	// passing: the document says to try again.
	passing kind = "documented \"try again\""
	// turnedAway: not processed, by its status.
	turnedAway kind = "turned away"
	// fault: a server's own, or a request that took too long.
	fault kind = "fault of the server"
	// foreign: a page for a browser.
	foreign kind = "page"
	// moved: a redirect.
	moved kind = "redirect"
	// unusable: a success without what was asked for.
	unusable kind = "success without a token"
	// unfinished: no whole answer.
	unfinished kind = "no whole answer"
)

// kinds are all of them, in the order of docs/reliability.md.
var kinds = []kind{brought, refused, unclassified, passing, turnedAway, fault, foreign, moved, unusable, unfinished}

// hasBody reports whether an answer with a status may have a body.
func hasBody(status int) bool { return status >= 200 && status != 204 && status != 304 }

// says is what can be read of the cell's body. That its Content-Encoding is wrong keeps
// nobody from reading it.
func (c cell) says() content {
	switch {
	case !hasBody(c.status):
		return nothing
	case c.body.form == half:
		return words
	case c.body.content == echoed && c.up.static:
		// The documented refusal has nothing but a message.
		return refusal
	case c.body.content == inner && c.up.inner == c.up.refusal(c.status):
		return refusal
	}
	return c.body.content
}

func (c cell) kind() kind {
	says, u, op := c.says(), c.up, c.situation.op
	isPage := says == page
	switch status := c.status; {
	case status < 200, c.noise.lost, hasBody(status) && c.body.form == broken:
		return unfinished
	case status == http.StatusTooManyRequests,
		status == http.StatusProxyAuthRequired,
		status == http.StatusServiceUnavailable && c.waits():
		return turnedAway
	case status >= 300 && status < 400:
		return moved
	case u.again(op, status, says == tryAgain, isPage):
		return passing
	case isPage:
		return foreign
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooEarly:
		return fault
	case status >= 400 && u.refuses(op, status, says):
		return refused
	case status >= 400:
		return unclassified
	case says == token, op == opSendCode && says == inner, op == opSendCode && says == other:
		return brought
	case says != nothing && says != words && c.body.form != undeclared || says == inner && u.inner != "":
		// The service's own, with nothing to take: many refuse so.
		return unclassified
	}
	return unusable
}

// waits reports whether the answer says when to come back.
func (c cell) waits() bool {
	return c.body.form == waitASecond || c.body.form == waitUnclear || c.noise.headers["Retry-After"] != ""
}

// bringsToken reports whether the cell's answer holds a token that has been issued.
func (c cell) bringsToken() bool { return c.kind() == brought && c.says() == token }

// runs is how many runs there are of each cell.
const runs = 4

// limits are how often an upstream may be asked in all runs of a cell, and how often it
// must be at least.
type limits struct {
	// asked bounds the cell's own operation.
	asked, least int
	// logins bounds the logins that a cell of another operation leads to.
	logins int
}

// limits are those of the rules: a documented refusal is met once, another one twice;
// what says nothing of the credentials is met by each run, and by each attempt of it
// where the request was certainly not processed or the document says to try again.
func (c cell) limits() limits {
	k, op := c.kind(), c.situation.op
	switch {
	case op == opCheck && !c.up.static:
		return limits{asked: -1, logins: c.loginsForChecks()}
	case op == opSendCode:
		return limits{asked: runs, logins: runs}
	case op == opEnterCode:
		return limits{asked: runs * k.attempts(), logins: 0}
	case op == opRefresh:
		return limits{asked: k.most(runs, runs), logins: 1}
	case c.up.static && k == refused && c.status == http.StatusForbidden:
		// Access that comes back is noticed.
		return limits{asked: 2 * runs}
	case c.up.static && k == unfinished:
		// net/http by itself repeats a read whose kept-alive connection breaks.
		return limits{asked: 4 * runs * maxAttempts}
	case c.up.static && c.situation.name == newTokenCheck:
		return limits{asked: k.most(2, runs*maxAttempts)}
	case c.up.static:
		// It was good, so that to look at it is no login. Plan and apply may both do so.
		return limits{asked: k.most(2*runs, 2*runs*maxAttempts)}
	}
	l := limits{asked: k.most(2, runs)}
	if c.situation.name == firstLogin && k.passes() {
		l.least = runs
	}
	return l
}

// most is the bound for this kind, where unclassified refusals and others have theirs.
func (k kind) most(unclear, others int) int {
	switch k {
	case brought:
		return others
	case refused:
		return 1
	case unclassified:
		return unclear
	}
	return others * k.attempts()
}

// attempts is how often one run sends a login that is answered so.
func (k kind) attempts() int {
	if k == passing || k == turnedAway {
		return maxAttempts
	}
	return 1
}

// passes reports whether an answer says nothing of the credentials, so that it is never
// counted.
func (k kind) passes() bool {
	return k == passing || k == turnedAway || k == fault || k == foreign || k == unfinished
}

// loginsForChecks: only a token that is rejected is replaced, and if the new one is
// rejected too, not for ever.
func (c cell) loginsForChecks() int {
	rejected := c.kind() == refused && c.status == http.StatusUnauthorized || c.says() == inner ||
		c.kind() == unclassified && c.status == http.StatusUnauthorized
	switch {
	case rejected:
		return 2
	case c.situation.name == newTokenCheck:
		return 1
	}
	return 0
}

// mayBeDead reports whether the answers of a cell leave it open whether the upstream has
// carried out a login, and so ended the token before it.
func (c cell) mayBeDead() bool {
	switch c.kind() {
	case brought, refused, turnedAway:
		return false
	}
	return c.situation.op == opLogin && c.up.revokes
}

// callsGood reports whether a plan has nothing to do for an account.
func callsGood(d plan.Decision) bool { return d.Action == plan.None && d.Reason == plan.Current }
