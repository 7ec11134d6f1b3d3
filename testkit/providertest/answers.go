package providertest

import (
	"net/http"
	"slices"
	"testing"

	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
)

// Answers is what an upstream's document says of its answers besides Target.Errors: where
// a status alone decides, and what is to be tried again.
type Answers struct {
	// ByStatus are the refusals whose status decides, whatever the body is.
	ByStatus []StatusRefusal
	// Again are the answers after which the same request is sent again in one call.
	Again []Again
}

// StatusRefusal is a status that means the same with all bodies of a kind.
type StatusRefusal struct {
	Op     string
	Status int
	With   Bodies
	Class  failure.Class
	Reason failure.Reason
}

// Bodies are kinds of bodies, of which none is a page.
type Bodies int

const (
	// AnyBody is any at all.
	AnyBody Bodies = iota
	// ObjectOrNone is a JSON object, or nothing.
	ObjectOrNone
	// Object is a JSON object.
	Object
)

// Again is an answer that says to try again.
type Again struct {
	Op     string
	Status int
	Body   string
	// AnyBody says so of the status with any body but a page; AnyFault, of all 5xx.
	AnyBody, AnyFault bool
}

// RunAnswers runs the rows of answers that are the same for all upstreams.
func RunAnswers(t *testing.T, target Target, answers Answers) {
	t.Run("Pages", func(t *testing.T) { testPages(t, target) })
	t.Run("Refusals", func(t *testing.T) { testRefusals(t, target, answers) })
	t.Run("Faults", func(t *testing.T) { testFaults(t, target, answers) })
	t.Run("Again", func(t *testing.T) { testAgain(t, target, answers) })
	t.Run("RetryAfter", func(t *testing.T) { testRetryAfter(t, target) })
	t.Run("Forms", func(t *testing.T) { testForms(t, target) })
}

// byStatus returns what a status means by itself, with a body of that kind.
func (a Answers) byStatus(op string, status int, body Bodies) (StatusRefusal, bool) {
	i := slices.IndexFunc(a.ByStatus, func(r StatusRefusal) bool {
		return r.Op == op && r.Status == status && body >= r.With
	})
	if i < 0 {
		return StatusRefusal{}, false
	}
	return a.ByStatus[i], true
}

// carriesCredentials reports whether an operation is a login, or what stands for one.
func (t Target) carriesCredentials(op string) bool {
	return op == sandbox.OpLogin || op == sandbox.OpVerify && t.Spec.Static
}

// costs reports whether an operation that was processed ends or spends something, so that
// an answer which leaves that open counts as lost.
func (h *Harness) costs(op string) bool {
	spec := h.target.Spec
	switch op {
	case sandbox.OpLogin:
		return spec.LoginRevokes != nil && spec.LoginRevokes(schema.NewValues(spec.Block(), "", h.attrs, nil))
	case sandbox.OpRefresh:
		return spec.RefreshSpends
	}
	return false
}

// wantLost checks AnswerLost where it matters.
func (h *Harness) wantLost(t *testing.T, op string, e *failure.Error, want bool) {
	t.Helper()
	if h.costs(op) && e.AnswerLost != want {
		t.Errorf("AnswerLost is %v, want %v: %v", e.AnswerLost, want, e)
	}
}

// failOn has the upstream answer so, and returns the error and how often it was asked.
func (h *Harness) failOn(t *testing.T, op string, f sandbox.Fault) (*failure.Error, int) {
	t.Helper()
	token := h.last
	if token.Access.IsZero() {
		token = h.prepare(t, op)
		h.last = token
	}
	before := h.received(op)
	h.Sandbox.ClearFaults()
	f.Op = op
	Fault(f)(t, h.Sandbox)
	e := h.fail(t, op, token)
	return e, h.received(op) - before
}

// sentAgain is how often a request of that kind is sent that may be sent again. net/http by
// itself repeats a read whose kept-alive connection breaks.
func sentAgain(op string) int {
	if once(op) {
		return 1
	}
	return maxAttempts
}

// passes reports whether a refusal by status says nothing of who asks.
func passes(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}
