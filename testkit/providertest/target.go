// Package providertest is the conformance suite that every provider runs
// against its emulator in package sandbox. A provider's test describes the
// provider in a [Target] and calls [Run]; what is the same for all upstreams
// (lost answers, hostile bodies, redirects, redaction, retries, concurrency) is
// tested here.
package providertest

import (
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/sandbox"
	"github.com/credsync/credsync/schema"
	"github.com/zclconf/go-cty/cty"
)

// Target describes a provider to the suite.
type Target struct {
	Spec *providers.Spec
	// Account at the emulator, whose upstream has the spec's name.
	Account sandbox.Account
	// Attributes of the account block that log in to it, without base_url.
	Attributes map[string]cty.Value
	// TLS has the emulator serve over TLS with the sandbox's own authority, and
	// the spec's client certificate presented.
	TLS bool
	// Blocks makes the nested blocks of the account block, for an emulator that
	// is already running: it can issue certificates. Nil means none.
	Blocks func(t *testing.T, s *sandbox.Sandbox) map[string][]schema.Values
	// Secrets among them; none may ever be shown.
	Secrets []string
	// Requests are what a login, a refresh and a verification send: one for
	// each operation that sends something.
	Requests []Request
	// Outputs after a login and a verification.
	Outputs credential.Outputs
	// Errors are the documented refusals.
	Errors []Case
	// Odd are answers to a login that bring a token beside something in a form that no
	// document has, with the field that a warning must name; "" where there is nothing
	// to warn of.
	Odd map[string]string
	// NotSaid are the Errors, by their names, and the Odd answers, by their bodies, to
	// which the provider does otherwise, with the reason why. One that comes out as it is
	// documented must not be among them.
	NotSaid map[string]string
	// EmptyRefuses says that the upstream's document has a 401 without a body
	// mean rejected credentials, which elsewhere means nothing.
	EmptyRefuses bool
	// StatusDecides says that the document names statuses only, so that any 401 but a
	// page means rejected credentials.
	StatusDecides bool
}

// Request is one documented request. "{token}" stands for the token in use,
// "{refresh}" for its refresh token, and "{any}" in its path for a
// percent-encoded value that is never the same twice.
type Request struct {
	// Op is sandbox.OpLogin, OpRefresh or OpVerify.
	Op     string
	Method string
	// Path below the base URL, with its query.
	Path string
	// Header has those that matter; "" means that it must be absent.
	Header map[string]string
	Body   string
	// AnyJSON says that nothing is known of the answer but that it is a JSON
	// object or list, so that none of those is hostile; and of a refusal that its
	// status decides, whatever the body, unless it is a page.
	AnyJSON bool
}

// Case is an operation that must fail in a certain way.
type Case struct {
	Name string
	Op   string
	// Attributes are laid over those of the Target.
	Attributes map[string]cty.Value
	// Arrange is called before the operation, after a login if the operation
	// needs one.
	Arrange func(t *testing.T, s *sandbox.Sandbox)
	// Class, Reason and Attribute of the error.
	Class     failure.Class
	Reason    failure.Reason
	Attribute string
}

// Run runs the whole suite.
func Run(t *testing.T, target Target) {
	checkNotSaid(t, target)
	t.Run("Success", func(t *testing.T) { testSuccess(t, target) })
	t.Run("Requests", func(t *testing.T) { testRequests(t, target) })
	t.Run("Clocks", func(t *testing.T) { testClocks(t, target) })
	t.Run("DocumentedErrors", func(t *testing.T) { testErrors(t, target) })
	t.Run("OddAnswers", func(t *testing.T) { testOdd(t, target) })
	t.Run("HostileAnswers", func(t *testing.T) { testHostile(t, target) })
	t.Run("Transport", func(t *testing.T) { testTransport(t, target) })
	t.Run("Retries", func(t *testing.T) { testRetries(t, target) })
	t.Run("Redaction", func(t *testing.T) { testRedaction(t, target) })
	t.Run("Concurrency", func(t *testing.T) { testConcurrency(t, target) })
	t.Run("Cancellation", func(t *testing.T) { testCancellation(t, target) })
}

// RunRequests runs only the part that compares the requests with the
// documented ones, for an attribute that changes their form.
func RunRequests(t *testing.T, target Target) {
	t.Helper()
	testRequests(t, target)
}
