package vault_test

import (
	"net/http"
	"testing"

	"github.com/credsync/credsync/sinks"
	"github.com/credsync/credsync/testkit/sinktest"
)

// operations are one of each kind of request that the sink makes.
var operations = sinktest.Operations("1")

func TestAnswersThatDripEndWithTheTimeout(t *testing.T) {
	sinktest.RunSlowServer(t, operations, "VAULT_CLIENT_TIMEOUT", func(t *testing.T, slow http.HandlerFunc) (sinks.Sink, sinks.Target) {
		c := newFake(t, slow).conn(attrs{"VAULT_CLIENT_TIMEOUT": "100ms"})
		return c.open(t), c.target(t, "a", false)
	})
}
