// Package credtest runs the tests of upstream blocks: recorded answers, answers that no
// upstream should give, and the question which error blocks no test has matched. Nothing
// leaves the machine: requests go to a server of its own on the loopback interface.
package credtest

import "github.com/credsync/credsync/schema/diag"

// Report is what a run of the tests found.
type Report struct {
	Tests   []Result
	Hostile []Hostile
	// Unmatched are error blocks that no test has matched.
	Unmatched []Unmatched
	// Untested are upstreams without a test block, in the order of their types.
	Untested []string
}

// Result is what came of one test block.
type Result struct {
	Upstream, Operation, Name string
	Range                     *diag.Range
	// Failures say what was not as expected; none where the test has passed.
	Failures []string
}

// Hostile is what came of the hostile answers to one operation.
type Hostile struct {
	Upstream, Operation string
	// Answers is how many were tried.
	Answers  int
	Failures []string
}

// Unmatched is an error block that no test has matched.
type Unmatched struct {
	Upstream, Name string
	// Place is where it stands: "acme.hcl:61,3".
	Place string
}

// Passed reports whether there is nothing to correct.
func (r *Report) Passed() bool {
	for _, t := range r.Tests {
		if len(t.Failures) > 0 {
			return false
		}
	}
	for _, h := range r.Hostile {
		if len(h.Failures) > 0 {
			return false
		}
	}
	return len(r.Unmatched) == 0 && len(r.Untested) == 0
}
