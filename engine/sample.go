package engine

import (
	"time"

	"github.com/credsync/credsync/config"
	"github.com/credsync/credsync/failure"
	"github.com/credsync/credsync/plan"
	"github.com/credsync/credsync/providers"
	"github.com/credsync/credsync/schema"
)

// SampleAddress is the account of sample events. No provider has that name.
const SampleAddress = "account.example.test"

// isTest begins what a sample event says.
const isTest = "This is a test, nothing is wrong. "

// SampleEvent is an event of a kind as a real one would be, for trying a notify
// block: every sentence of it says that it is a test. The kind is
// schema.EventTest or one of schema.EventKinds.
func SampleEvent(project, kind string, now time.Time) config.Event {
	const because = "The upstream does not take the password."
	c := condition{now: now, about: config.Event{
		Kind: kind, Topic: aboutTrouble, Project: project, Address: SampleAddress, Provider: "example", Name: "test", Time: now,
		Remedy: "Nothing is to be done: this is a test.",
	}}
	e := c.about
	switch kind {
	case schema.EventBlocked:
		e.Reason, e.Message, e.Since = string(failure.CredentialsRejected), because, now.Add(-time.Hour)
		e.Summary = c.says("needs a human (%s): %s", e.Reason, e.Message)
	case schema.EventFailing:
		e.Reason, e.Failures = string(failure.Server), 3
		e.Message = "The upstream answers HTTP 500."
		e.Summary = c.says("has failed %d times in a row: %s", e.Failures, e.Message)
	case schema.EventExpiring:
		clock := plan.Clock{Name: plan.ClockName(providers.ClientCertificate), Since: now.AddDate(-1, 0, 0), At: now.AddDate(0, 0, 7), Human: true}
		c.clocks = []plan.Clock{clock}
		e = *c.expiry(&config.Notify{On: schema.EventKinds, Within: clock.At.Sub(now)})
		e.Topic = aboutExpiry
	case schema.EventRecovered:
		e = *c.recovered(schema.EventBlocked + " (" + string(failure.CredentialsRejected) + ")")
	default:
		e.Topic, e.Reason, e.Message = schema.EventTest, schema.EventTest, "Somebody has run credsync notify test."
		e.Summary = c.says("is no account: %s", e.Message)
	}
	e.Summary, e.Message = isTest+e.Summary, isTest+e.Message
	return e
}
