package sandbox

import "slices"

// The operations that requests count as, and that faults can be limited to.
const (
	OpLogin   = "login"
	OpRefresh = "refresh"
	OpVerify  = "verify"
	// OpKey asks for the public key that logins are encrypted with.
	OpKey = "key"
	// OpSendCode has a code for a second factor sent to a human.
	OpSendCode = "send_code"
	// OpSession trades what a login brought for the token that is used.
	OpSession = "session"
	// OpRevoke ends a token.
	OpRevoke = "revoke"
)

// operations are all of them.
var operations = []string{OpLogin, OpRefresh, OpVerify, OpKey, OpSendCode, OpSession, OpRevoke}

// Count is how often an operation was asked for.
type Count struct {
	// Received counts every request, those that a fault swallowed too.
	Received int `json:"received"`
	// Accepted and Rejected count those that were processed.
	Accepted int `json:"accepted"`
	Rejected int `json:"rejected"`
}

// Counters are what an account saw.
type Counters struct {
	Logins        Count `json:"logins"`
	Refreshes     Count `json:"refreshes"`
	Verifications Count `json:"verifications"`
	Keys          Count `json:"keys"`
	// Codes are requests for a code; the accepted ones are messages sent.
	Codes Count `json:"codes"`
	// Sessions are second steps of logins, which show no secret of the account.
	Sessions    Count `json:"sessions"`
	Revocations Count `json:"revocations"`
	// SpentRefreshes are refreshes with a token that a refresh before them had
	// spent. That is no violation: a client whose answer got lost cannot know.
	SpentRefreshes int `json:"spent_refreshes"`
	// Violations say what requests did that the upstream's document does not
	// allow. They hold no secret.
	Violations []string `json:"violations"`
}

// of returns the count of an operation.
func (c *Counters) of(op string) *Count {
	switch op {
	case OpLogin:
		return &c.Logins
	case OpRefresh:
		return &c.Refreshes
	case OpKey:
		return &c.Keys
	case OpSendCode:
		return &c.Codes
	case OpSession:
		return &c.Sessions
	case OpRevoke:
		return &c.Revocations
	}
	return &c.Verifications
}

// Counters returns those of one account; "" names requests of no account.
func (s *Sandbox) Counters(upstream, name string) Counters {
	if name == "" {
		name = unknown
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.accounts[upstream][name]
	if !ok {
		return Counters{}
	}
	c := a.counters
	c.Violations = slices.Clone(c.Violations)
	return c
}

// AllCounters returns the counters by upstream and account.
func (s *Sandbox) AllCounters() map[string]map[string]Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]map[string]Counters{}
	for _, e := range s.emulators {
		all[e.name] = map[string]Counters{}
	}
	for _, a := range s.sorted() {
		c := a.counters
		c.Violations = append([]string{}, c.Violations...)
		all[a.Upstream][a.Name] = c
	}
	return all
}

// ResetCounters sets all counters to zero.
func (s *Sandbox) ResetCounters() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.sorted() {
		a.counters = Counters{}
	}
}

// Violations returns every protocol violation, each with its upstream and account.
func (s *Sandbox) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, a := range s.sorted() {
		for _, v := range a.counters.Violations {
			list = append(list, a.Upstream+" "+a.Name+": "+v)
		}
	}
	return list
}
