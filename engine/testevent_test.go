package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/schema"
)

// A sample is like a real event of its kind, and nobody takes it for one.
func TestSampleEventsAreWholeAndSayThatTheyAreTests(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	topics := map[string]string{"test": "test", "blocked": "trouble", "failing": "trouble", "expiring": "expiry", "recovered": "trouble"}
	for _, kind := range append([]string{schema.EventTest}, schema.EventKinds...) {
		e := engine.TestEvent("payments", kind, now)
		if e.Kind != kind || e.Topic != topics[kind] || e.Project != "payments" ||
			e.Address != engine.TestEventAddress ||
			e.Reason == "" ||
			!e.Time.Equal(now) {
			t.Errorf("%s: %+v", kind, e)
		}
		if !strings.HasPrefix(e.Summary, "This is a test, nothing is wrong. payments: account.example.test ") || !strings.HasPrefix(e.Message, "This is a test") || !strings.Contains(e.Remedy, "this is a test") {
			t.Errorf("%s: %q %q %q", kind, e.Summary, e.Message, e.Remedy)
		}
		if (e.Deadline.IsZero()) != (kind != schema.EventExpiring) ||
			(e.Failures == 0) != (kind != schema.EventFailing) {
			t.Errorf("%s: %+v", kind, e)
		}
	}
}
