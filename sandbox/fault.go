package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is what a fault does to a request.
type Kind string

// The kinds of faults. Those up to Echo keep the upstream from processing the
// request; the others let it be processed first.
const (
	// Status answers with Fault.Status, Body and ContentType.
	Status Kind = "status"
	// Timeout does not answer until the client has left.
	Timeout Kind = "timeout"
	// Reset breaks the connection before an answer.
	Reset Kind = "reset"
	// HTML answers with Fault.Status and an HTML page.
	HTML Kind = "html"
	// RateLimited answers 429 with Fault.RetryAfter.
	RateLimited Kind = "rate_limited"
	// Redirect answers with Fault.Status (default 302) and Fault.Location.
	Redirect Kind = "redirect"
	// Huge answers 200 with 50 MB.
	Huge Kind = "huge"
	// Echo answers with Fault.Status (default 400) and an error message that
	// repeats the request's credentials.
	Echo Kind = "echo"

	// RevokedToken revokes the token that the request carries.
	RevokedToken Kind = "revoked"
	// Anonymous answers as if the request had carried no token.
	Anonymous Kind = "anonymous"
	// Wrapped and Bare choose the answer's envelope.
	Wrapped Kind = "wrapped"
	Bare    Kind = "bare"
	// RotatedKey rotates the key that logins are encrypted with first.
	RotatedKey Kind = "rotated_key"
	// Slow waits for Fault.Delay first.
	Slow Kind = "slow"
	// DropAnswer processes the request, then breaks the connection.
	DropAnswer Kind = "drop_answer"
	// Truncated processes the request, then sends half of the answer.
	Truncated Kind = "truncated"
)

var kinds = []Kind{Status, Timeout, Reset, HTML, RateLimited, Redirect, Huge, Echo,
	RevokedToken, Anonymous, Wrapped, Bare, RotatedKey, Slow, DropAnswer, Truncated}

// Fault is something that goes wrong. The first one set that applies to a
// request hits it, and no other.
type Fault struct {
	Kind Kind `json:"kind"`
	// Upstream, Account and Op limit it; empty means any.
	Upstream string `json:"upstream,omitempty"`
	Account  string `json:"account,omitempty"`
	Op       string `json:"op,omitempty"`
	// Count is how many requests it hits; 0 means all until it is removed.
	Count int `json:"count,omitempty"`
	// Probability of hitting a request that it applies to; 0 means 1.
	Probability float64 `json:"probability,omitempty"`

	Status      int    `json:"status,omitempty"`
	Body        string `json:"body,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	// RetryAfter is the header's value: seconds, or an HTTP date.
	RetryAfter string   `json:"retry_after,omitempty"`
	Location   string   `json:"location,omitempty"`
	Delay      Duration `json:"delay,omitzero"`
}

// AddFault sets a fault.
func (s *Sandbox) AddFault(f Fault) error {
	switch {
	case !slices.Contains(kinds, f.Kind):
		return fmt.Errorf("unknown fault %q; use one of %s", f.Kind, joinKinds())
	case f.Upstream != "" && !slices.Contains(s.Upstreams(), f.Upstream):
		return fmt.Errorf("unknown upstream %q", f.Upstream)
	case f.Op != "" && !slices.Contains(operations, f.Op):
		return fmt.Errorf("unknown operation %q", f.Op)
	case f.Count < 0 || f.Probability < 0 || f.Probability > 1:
		return errors.New("a count must not be negative, and a probability must be between 0 and 1")
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return errors.New("a status must be between 200 and 599")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return nil
}

func joinKinds() string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// Faults returns those that are set, with the counts that are left.
func (s *Sandbox) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Fault{}
	for _, f := range s.faults {
		list = append(list, *f)
	}
	return list
}

// ClearFaults removes all.
func (s *Sandbox) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// nextFault returns a copy of the fault that hits a request, and counts it.
func (s *Sandbox) nextFault(upstream, name, op string) *Fault {
	for i, f := range s.faults {
		applies := (f.Upstream == "" || f.Upstream == upstream) &&
			(f.Account == "" || f.Account == name) && (f.Op == "" || f.Op == op)
		if !applies || f.Probability > 0 && s.random.Float64() >= f.Probability {
			continue
		}
		hit := *f
		if f.Count > 0 {
			f.Count--
			if f.Count == 0 {
				s.faults = slices.Delete(s.faults, i, i+1)
			}
		}
		return &hit
	}
	return nil
}
