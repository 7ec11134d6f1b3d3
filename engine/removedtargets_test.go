package engine_test

import (
	"strings"
	"testing"

	"github.com/credsync/credsync/credential"
	"github.com/credsync/credsync/engine"
	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/memorysink"
)

// A claim in the state is a promise to write, not a proof of having written.
func TestTargetThatWasOnlyClaimedIsNotDeleted(t *testing.T) {
	w := newWorld(t, strings.Replace(oneAccount, `user     = "u"`, `on_remove = "delete"`, 1))
	w.unmarked["main"] = true
	w.sinks["main"].Fail = failing(memorysink.Write, 1, sinks.ErrUnavailable)
	if s := w.apply(); s.Count(engine.Failed) != 1 {
		t.Fatalf("%+v", s.Outcomes)
	}
	w.sinks["main"].Put("a", map[string]credential.Secret{"access_token": credential.NewSecret("someone else's")})
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.expect("a delete removed")
	w.mustApply()
	if got := w.delivered("a"); got != "someone else's" {
		t.Errorf("the target of someone else holds %q now", got)
	}
}

// A sink that may write but not look deletes what the state knows as written.
func TestTargetThatCannotBeSeenIsDeleted(t *testing.T) {
	w := newWorld(t, strings.Replace(strings.Replace(oneAccount, `user     = "u"`, `on_remove = "delete"`, 1), `path = "a" }`, "\n    path = \"a\"\n    adopt = true\n  }", 1))
	w.blind["main"] = true
	w.mustApply()
	w.expect("a none current")
	w.hcl = strings.Split(oneAccount, "account")[0]
	w.mustApply()
	if got := w.delivered("a"); got != "" {
		t.Error("the target was left, and forgotten")
	}
}
